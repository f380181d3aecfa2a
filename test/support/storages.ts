import type { RegistryConfig } from './registry-server.ts';
import { S3_SERVERS, type S3Server } from './s3-servers.ts';
import type { Tool } from './tools.ts';

/** What a server under test keeps its content in. */
export interface StorageKind {
  readonly name: string;
  /** Programs it needs. */
  readonly tools: readonly Tool[];
  /** Starts what it needs, with its files in this folder. */
  start(folder: string): Promise<RunningStorage>;
}

export interface RunningStorage extends AsyncDisposable {
  /** Top-level keys of the configuration; nothing means the server's default, a directory. */
  readonly config: RegistryConfig;
}

const directory: StorageKind = {
  name: 'a directory',
  tools: [],
  start: async () => ({ config: {}, [Symbol.asyncDispose]: async () => {} }),
};

/** A bucket; readers are served by the registry itself, whose behaviour it is that the suites look at. */
function bucketOn(name: 'versitygw' | 'minio', start: (folder: string) => Promise<S3Server>): StorageKind {
  return {
    name: `S3 (${name})`,
    tools: [name],
    start: async (folder) => {
      const server = await start(folder);
      return {
        config: { storage: { ...s3Storage(server), redirect: { disable: true } } },
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  };
}

/** The `storage` of a configuration, for this product and for distribution 3. */
export function s3Storage(server: S3Server, more: RegistryConfig = {}): RegistryConfig {
  return {
    s3: {
      bucket: server.bucket,
      region: 'us-east-1',
      regionendpoint: server.endpoint,
      accesskey: server.accessKey,
      secretkey: server.secretKey,
      forcepathstyle: true,
      secure: false,
      ...more,
    },
    delete: { enabled: true },
  };
}

/** Every storage that the interop suites run on. */
export const storageKinds: readonly StorageKind[] = [
  directory,
  ...S3_SERVERS.map(([name, start]) => bucketOn(name, start)),
];
