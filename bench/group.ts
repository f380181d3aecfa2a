import type { Scratch } from '../test/support/scratch.ts';
import { type Contender, startContenders } from './contender.ts';
import type { Row } from './row.ts';

/** Rows that are measured on the same servers, which run only while they are. */
export interface Group {
  readonly rows: readonly Row[];
  start(scratch: Scratch): Promise<RunningGroup>;
}

export interface RunningGroup extends AsyncDisposable {
  /** This server first. */
  readonly contenders: readonly Contender[];
}

/** Every server on a directory of its own. */
export function onDirectories(rows: readonly Row[]): Group {
  return {
    rows,
    start: async (scratch) => {
      const contenders = await startContenders(scratch);
      return {
        contenders,
        [Symbol.asyncDispose]: async () => {
          await Promise.all(contenders.map(({ server }) => server.stop()));
        },
      };
    },
  };
}
