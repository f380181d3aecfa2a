import { peakMemory } from '../../test/support/peak-memory.ts';
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
const memory: Row = {
  name: 'resident memory at its peak',
  unit: 'MiB',
  better: 'less',
  measure: ({ server }) => peakMemory(server.pid),
};

export const processRows: readonly Row[] = [startUp, memory];
