import { httpClient } from '../../test/support/http-client.ts';
import { RepositoryClient } from '../../test/support/registry-client.ts';
import type { Measuring } from '../row.ts';

const AT_ONCE = 8;

/** What one of the clients that work at the same time is given. */
export interface Turn {
  /** A repository of its own. */
  readonly repository: RepositoryClient;
  /** Counts its turns in this round. */
  readonly count: number;
}

/** How often in a second `work` is done by several clients at once. */
export async function roundsPerSecond(
  { server, round, seconds }: Measuring,
  options: { readonly name: string; readonly work: (turn: Turn) => Promise<void> },
): Promise<number> {
  using http = httpClient();
  const started = performance.now();
  const end = started + seconds * 1000;
  let done = 0;
  const client = async (index: number): Promise<void> => {
    const name = `${options.name}/r${round}c${index}`;
    const repository = new RepositoryClient(http, { origin: server.url, name });
    for (let count = 0; performance.now() < end; count += 1) {
      await options.work({ repository, count });
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => client(index)));
  return done / ((performance.now() - started) / 1000);
}

/** A client of one repository, for what a row prepares. */
export async function withRepository<Result>(
  origin: string,
  options: { readonly name: string; readonly work: (repository: RepositoryClient) => Promise<Result> },
): Promise<Result> {
  using http = httpClient();
  return await options.work(new RepositoryClient(http, { origin, name: options.name }));
}
