import { randomBytes } from 'node:crypto';
import { pushImage } from '../../test/support/raw-images.ts';
import type { RegistryServer } from '../../test/support/registry-server.ts';
import { getRate, headRate } from '../load/rate.ts';
import { withRepository } from '../load/rounds.ts';
import { blobPath, startStaticFiles } from '../load/static-files.ts';
import type { Row } from '../row.ts';

const NAME = 'bench/small';
const LAYER = randomBytes(4096);

/** The same image on every server; its URLs by what they lead to. */
async function pushed(
  server: RegistryServer,
): Promise<{ tag: string; manifest: string; blob: string; digest: string }> {
  const image = await withRepository(server.url, {
    name: NAME,
    work: (repository) => pushImage(repository, { tag: 'v1', layers: [LAYER] }),
  });
  const base = `${server.url}/v2/${NAME}`;
  return {
    tag: `${base}/manifests/v1`,
    manifest: `${base}/manifests/${image.digest}`,
    blob: `${base}/blobs/${image.blobs.at(-1)}`,
    digest: image.blobs.at(-1) ?? '',
  };
}

const reading = (name: string, measure: Row['measure']): Row => ({
  name,
  unit: '/s',
  better: 'more',
  measure,
});

export const smallReadRows: readonly Row[] = [
  reading('GET manifest by tag', async ({ server, seconds }) => getRate((await pushed(server)).tag, seconds)),
  reading('GET manifest by digest', async ({ server, seconds }) =>
    getRate((await pushed(server)).manifest, seconds),
  ),
  reading('HEAD manifest by tag', async ({ server, seconds }) =>
    headRate((await pushed(server)).tag, seconds),
  ),
  reading('HEAD blob', async ({ server, seconds }) => headRate((await pushed(server)).blob, seconds)),
  {
    ...reading('GET blob of 4 KiB', async ({ server, seconds }) =>
      getRate((await pushed(server)).blob, seconds),
    ),
    references: [
      {
        name: 'nginx',
        measure: async ({ server, scratch, seconds }) => {
          const { digest } = await pushed(server);
          await using files = await startStaticFiles(scratch.at('nginx-small'), server.root);
          return await getRate(`${files.url}${blobPath(digest)}`, seconds);
        },
      },
    ],
  },
];
