import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attempt } from './run.ts';

/** A folder of its own, which goes with all that is in it, and with what was mounted below it. */
export interface Scratch extends AsyncDisposable {
  readonly path: string;
  /** A path in it. */
  at(...names: string[]): string;
}

export function makeScratch(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'fl-'));
  return {
    path,
    at: (...names) => join(path, ...names),
    [Symbol.asyncDispose]: async () => {
      await unmountBelow(path);
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** Unmounts what a daemon, or a test, left mounted below a folder, innermost first. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point === folder || point.startsWith(`${folder}/`));
  for (const point of mounts.reverse()) await attempt('umount', ['--lazy', point]);
}
