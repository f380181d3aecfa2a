import { rm } from 'node:fs/promises';
import type { RegistryServer } from '../../test/support/registry-server.ts';
import { writeLargeFile } from '../load/large-file.ts';
import { blobPath, startStaticFiles } from '../load/static-files.ts';
import { download, MIB, pushFile, timed } from '../load/transfer.ts';
import type { Measuring, Row } from '../row.ts';

/** Pushes new files, some at once, and gives the rate of all together. */
export function push(options: { readonly mebibytes: number; readonly atOnce: number }): Row {
  const { mebibytes, atOnce } = options;
  return {
    name:
      atOnce === 1
        ? `push one ${mebibytes} MiB layer (POST, PATCH, PUT)`
        : `${atOnce} pushes of ${mebibytes} MiB at once`,
    unit: 'MB/s',
    better: 'more',
    measure: async ({ server, scratch, round }) => {
      const files = await Promise.all(
        Array.from({ length: atOnce }, (_, index) => writeLargeFile(scratch.at(`push-${index}`), mebibytes)),
      );
      const name = `bench/large${mebibytes}x${atOnce}r${round}`;
      const seconds = await timed(() =>
        Promise.all(files.map((file) => pushFile(`${server.url}/v2/${name}`, file))),
      );
      await Promise.all(files.map(({ path }) => rm(path)));
      return (atOnce * mebibytes * MIB) / 1e6 / seconds;
    },
  };
}

/** Reads one layer, by some clients at once. */
export function pull(options: { readonly mebibytes: number; readonly clients: number }): Row {
  const { mebibytes, clients } = options;
  const urls = new Map<string, string>();
  const urlOf = (server: RegistryServer): string => {
    const url = urls.get(server.url);
    if (url === undefined) throw new Error('measured before it was prepared');
    return url;
  };
  return {
    name: clients === 1 ? `GET ${mebibytes} MiB` : `GET ${mebibytes} MiB by ${clients} clients`,
    unit: 'MB/s',
    better: 'more',
    prepare: async ({ server, scratch }: Pick<Measuring, 'server' | 'scratch'>) => {
      const file = await writeLargeFile(scratch.at('pull'), mebibytes);
      const base = `${server.url}/v2/bench/pull${mebibytes}x${clients}`;
      await pushFile(base, file);
      await rm(file.path);
      urls.set(server.url, `${base}/blobs/${file.digest}`);
    },
    measure: async ({ server }) => rate(urlOf(server), { mebibytes, clients }),
    references: [
      {
        name: 'nginx',
        measure: async ({ server, scratch }) => {
          await using files = await startStaticFiles(scratch.at(`nginx-${clients}`), server.root);
          const digest = urlOf(server).split('/').at(-1) ?? '';
          return await rate(`${files.url}${blobPath(digest)}`, { mebibytes, clients });
        },
      },
    ],
  };
}

/** MB/s of all clients together. */
async function rate(
  url: string,
  { mebibytes, clients }: { readonly mebibytes: number; readonly clients: number },
): Promise<number> {
  const size = mebibytes * MIB;
  const seconds = await timed(() => Promise.all(Array.from({ length: clients }, () => download(url, size))));
  return (clients * size) / 1e6 / seconds;
}

/** @param mebibytes of a large layer */
export function largeBlobRows(mebibytes: number): readonly Row[] {
  return [
    push({ mebibytes, atOnce: 1 }),
    push({ mebibytes: Math.ceil(mebibytes / 8), atOnce: 32 }),
    pull({ mebibytes, clients: 1 }),
    pull({ mebibytes, clients: 8 }),
  ];
}
