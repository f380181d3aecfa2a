import { readFile } from 'node:fs/promises';

/** MiB that a process had resident at its peak. */
export async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const match = /VmHWM:\s+(\d+) kB/.exec(status);
  if (match === null) throw new Error(`no VmHWM of process ${pid}`);
  return Number(match[1]) / 1024;
}
