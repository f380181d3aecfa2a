import { rm } from 'node:fs/promises';
import { peakMemory } from '../../test/support/peak-memory.ts';
import { type LargeFile, writeSparseFile } from '../load/large-file.ts';
import { MIB, pushFile } from '../load/transfer.ts';
import type { Row } from '../row.ts';

/** The peak of a server that has just started, so that nothing but these pushes shows. */
export function memoryOfPushes(options: { readonly mebibytes: number; readonly atOnce: number }): Row {
  const { mebibytes, atOnce } = options;
  return {
    name: `resident memory at its peak with ${atOnce} pushes of ${mebibytes} MiB at once`,
    unit: 'MiB',
    better: 'less',
    measure: async ({ server, scratch, round }) => {
      await server.stop();
      await server.start();
      // Each of a size of its own, so that each has a digest of its own.
      const files = await Promise.all(
        Array.from({ length: atOnce }, (_, index) =>
          writeSparseFile(scratch.at(`memory-${index}`), mebibytes * MIB + round * atOnce + index),
        ),
      );
      const push = async (file: LargeFile, index: number): Promise<void> => {
        await pushFile(`${server.url}/v2/memory/r${round}p${index}`, file);
      };
      await Promise.all(files.map(push));
      await Promise.all(files.map(({ path }) => rm(path)));
      return peakMemory(server.pid);
    },
  };
}
