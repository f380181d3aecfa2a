import { readFile } from 'node:fs/promises';
import { startRegistry } from '../../test/support/registry-server.ts';
import { timed } from '../load/transfer.ts';
import type { Row } from '../row.ts';

const startUp: Row = {
  name: 'start-up until /v2/ answers',
  unit: 'ms',
  better: 'less',
  measure: async ({ server, scratch, round }) => {
    const directory = scratch.at(`start-${server.kind}-${round}`);
    await using stack = new AsyncDisposableStack();
    const seconds = await timed(async () => {
      stack.use(await startRegistry({ kind: server.kind, directory }));
    });
    return seconds * 1000;
  },
};

/** Stands last: the peak is that of everything before. */
const peakMemory: Row = {
  name: 'resident memory at its peak',
  unit: 'MiB',
  better: 'less',
  measure: async ({ server }) => {
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
    const match = /VmHWM:\s+(\d+) kB/.exec(status);
    if (match === null) throw new Error(`no VmHWM of process ${server.pid}`);
    return Number(match[1]) / 1024;
  },
};

export const processRows: readonly Row[] = [startUp, peakMemory];
