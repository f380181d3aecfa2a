import { mediaTypes, type RepositoryClient } from '../../test/support/registry-client.ts';
import type { RegistryServer } from '../../test/support/registry-server.ts';
import { getRate } from '../load/rate.ts';
import { withRepository } from '../load/rounds.ts';
import type { Measuring, Row } from '../row.ts';

/** Requests under way while a row is prepared. */
const AT_ONCE = 16;

async function eachNumber(count: number, work: (number: number) => Promise<void>): Promise<void> {
  const numbers = Array.from({ length: count }, (_, number) => number).values();
  const worker = async (): Promise<void> => {
    for (const number of numbers) await work(number);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** A manifest of nothing but a config of two bytes. */
async function pushEmptyImage(repository: RepositoryClient, tag: string, config?: string): Promise<string> {
  const digest = config ?? (await repository.pushBlob(Buffer.from('{}')));
  await repository.putManifest(tag, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest, size: 2 },
    layers: [],
  });
  return digest;
}

function tagList(count: number): Row {
  const name = `bench/tags${count}`;
  return {
    name: `GET tags/list of ${count.toLocaleString('en')}`,
    unit: '/s',
    better: 'more',
    prepare: ({ server }) =>
      withRepository(server.url, {
        name,
        work: async (repository) => {
          const config = await pushEmptyImage(repository, 'first');
          await eachNumber(count - 1, async (number) => {
            await pushEmptyImage(repository, `v${number}`, config);
          });
        },
      }),
    measure: ({ server, seconds }) => getRate(`${server.url}/v2/${name}/tags/list`, seconds),
  };
}

/** Repositories of one image each, below `catalog/`. */
export function fillCatalog(server: RegistryServer, count: number): Promise<void> {
  return eachNumber(count, (number) =>
    withRepository(server.url, {
      name: `catalog/r${String(number).padStart(6, '0')}`,
      work: async (repository) => {
        await pushEmptyImage(repository, 'v1');
      },
    }),
  );
}

function catalog(count: number): Row {
  const path = (last: string) => `/v2/_catalog?n=100&last=${encodeURIComponent(last)}`;
  return {
    name: `GET 100 of a catalog of ${count.toLocaleString('en')}, in its middle`,
    unit: '/s',
    better: 'more',
    prepare: ({ server }: Pick<Measuring, 'server'>) => fillCatalog(server, count),
    measure: ({ server, seconds }) =>
      getRate(`${server.url}${path(`catalog/r${String(count / 2).padStart(6, '0')}`)}`, seconds),
  };
}

/** @param entries how long the long lists are */
export function listRows(entries: number): readonly Row[] {
  return [tagList(Math.min(1_000, entries)), tagList(entries), catalog(entries)];
}
