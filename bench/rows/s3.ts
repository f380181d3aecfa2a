import { randomBytes } from 'node:crypto';
import { httpClient } from '../../test/support/http-client.ts';
import { pushImage } from '../../test/support/raw-images.ts';
import type { RegistryServer } from '../../test/support/registry-server.ts';
import { followRate, getRate } from '../load/rate.ts';
import { roundsPerSecond, withRepository } from '../load/rounds.ts';
import { timed } from '../load/transfer.ts';
import type { Row } from '../row.ts';
import { pull, push } from './large-blobs.ts';
import { fillCatalog } from './lists.ts';
import { memoryOfPushes } from './push-memory.ts';

/** Both ways in which clients send a blob: containerd in one PUT; docker, podman and crane in PATCH and PUT. */
function smallPushes(way: 'POST, PUT' | 'POST, PATCH, PUT'): Row {
  return {
    name: `small image pushes (${way}), 8 at once`,
    unit: '/s',
    better: 'more',
    measure: (measuring) =>
      roundsPerSecond(measuring, {
        name: way === 'POST, PUT' ? 'put' : 'patched',
        work: async ({ repository, count }) => {
          const layers = [randomBytes(4096)];
          const patched = way !== 'POST, PUT';
          await pushImage(repository, { tag: `v${count}-${measuring.round}`, layers, patched });
        },
      }),
  };
}

function smallReads(name: string, rate: (url: string, seconds: number) => Promise<number>): Row {
  const urls = new Map<RegistryServer, string>();
  return {
    name,
    unit: '/s',
    better: 'more',
    prepare: async ({ server }) => {
      const image = await withRepository(server.url, {
        name: 'small',
        work: (repository) => pushImage(repository, { tag: 'v1', layers: [randomBytes(4096)] }),
      });
      urls.set(server, `${server.url}/v2/small/blobs/${image.blobs.at(-1)}`);
    },
    measure: ({ server, seconds }) => rate(urls.get(server) ?? '', seconds),
  };
}

/** All of it, as a client follows the links. */
function wholeCatalog(repositories: number): Row {
  return {
    name: `catalog of ${repositories.toLocaleString('en')} in pages of 100`,
    unit: 'ms',
    better: 'less',
    prepare: ({ server }) => fillCatalog(server, repositories),
    measure: async ({ server }) => 1000 * (await timed(() => readCatalog(server, repositories))),
  };
}

async function readCatalog(server: RegistryServer, least: number): Promise<void> {
  using http = httpClient();
  let found = 0;
  for (let path = '/v2/_catalog?n=100'; path !== ''; ) {
    const { body, headers } = await http.send(`${server.url}${path}`);
    found += JSON.parse(body.toString()).repositories.length;
    const [link = ''] = [headers.link ?? ''].flat();
    path = /^<([^>]+)>/.exec(link)?.[1] ?? '';
  }
  if (found < least) throw new Error(`${server.kind} named ${found} repositories`);
}

/** @param mebibytes of a large layer */
export function s3Rows(mebibytes: number): readonly Row[] {
  return [
    smallPushes('POST, PUT'),
    smallPushes('POST, PATCH, PUT'),
    push({ mebibytes, atOnce: 1 }),
    push({ mebibytes: Math.ceil(mebibytes / 8), atOnce: 16 }),
    smallReads('GET blob of 4 KiB', getRate),
    pull({ mebibytes, clients: 1 }),
    pull({ mebibytes, clients: 8 }),
    wholeCatalog(1_000),
    memoryOfPushes({ mebibytes: Math.ceil(mebibytes / 8), atOnce: 64 }),
  ].map(({ references: _, ...row }) => row);
}

/** Readers are sent to the bucket: the answer itself, and what they get there. @param mebibytes of a large layer */
export function s3RedirectRows(mebibytes: number): readonly Row[] {
  return [
    smallReads('GET blob, the redirect alone', getRate),
    smallReads('GET blob of 4 KiB by redirect', followRate),
    { ...pull({ mebibytes, clients: 1 }), name: `GET ${mebibytes} MiB by redirect` },
    { ...pull({ mebibytes, clients: 8 }), name: `GET ${mebibytes} MiB by redirect by 8 clients` },
  ].map(({ references: _, ...row }) => row);
}
