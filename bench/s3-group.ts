import { startRegistry } from '../test/support/registry-server.ts';
import { type S3Server, startMinio, startVersitygw } from '../test/support/s3-servers.ts';
import { s3Storage } from '../test/support/storages.ts';
import { missingTools } from '../test/support/tools.ts';
import type { Contender } from './contender.ts';
import type { Group } from './group.ts';
import type { Row } from './row.ts';

const SERVERS = { versitygw: startVersitygw, minio: startMinio } as const;

export type S3ServerName = keyof typeof SERVERS;

export function parseS3ServerName(text: string): S3ServerName {
  if (text === 'versitygw' || text === 'minio') return text;
  throw new Error(`--s3 ${text}: neither versitygw nor minio`);
}

export interface S3GroupOptions {
  readonly on: S3ServerName;
  /** Whether readers of blobs are sent to the bucket. */
  readonly redirect: boolean;
}

/** This server and distribution 3, the only peer that still has S3, below their own folders of one bucket. */
export function onS3(rows: readonly Row[], { on, redirect }: S3GroupOptions): Group {
  return {
    rows:
      missingTools([on]).length > 0 ? [] : rows.map((row) => ({ ...row, name: `s3 on ${on}, ${row.name}` })),
    start: async (scratch) => {
      await using held = new AsyncDisposableStack();
      const home = scratch.at(redirect ? 's3-redirect' : 's3');
      const bucket = held.use(await SERVERS[on](home));
      const contenders: Contender[] = [];
      for (const kind of ['fairlead', 'distribution'] as const) {
        if (kind !== 'fairlead' && missingTools([kind]).length > 0) continue;
        const directory = `${home}/${kind}`;
        const config = { storage: storageOf(bucket, { folder: kind, redirect }) };
        contenders.push({ kind, server: held.use(await startRegistry({ kind, directory, config })) });
      }
      const all = held.move();
      return { contenders, [Symbol.asyncDispose]: () => all.disposeAsync() };
    },
  };
}

function storageOf(bucket: S3Server, of: { readonly folder: string; readonly redirect: boolean }) {
  return {
    ...s3Storage(bucket, { rootdirectory: of.folder }),
    redirect: { disable: !of.redirect },
  };
}
