import { type HttpClient, httpClient } from './http-client.ts';
import { RepositoryClient } from './registry-client.ts';
import { type RegistryConfig, startRegistry } from './registry-server.ts';
import type { S3Server } from './s3-servers.ts';
import { s3Storage } from './storages.ts';
import type { SharedRoot } from './takeover.ts';

export interface BucketOptions {
  /** Keys of `storage.s3` beside those that lead to the bucket. */
  readonly s3?: RegistryConfig;
  /** Keys of `storage` beside `s3` and `delete`. */
  readonly storage?: RegistryConfig;
}

/** One bucket that several registries serve; `folder` holds the servers' own files. */
export function sharedBucket(folder: string, server: S3Server, options: BucketOptions = {}): SharedRoot {
  const held = new AsyncDisposableStack();
  const http = following(held.use(httpClient()));
  const config = {
    storage: { redirect: { disable: true }, ...s3Storage(server, options.s3), ...options.storage },
  };
  return {
    http,
    root: server.folder,
    serve: async (kind) =>
      held.use(await startRegistry({ directory: folder, config, ...(kind && { kind }) })),
    repository: (registry, name) => new RepositoryClient(http, { origin: registry.url, name }),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** As every registry client does: reads where it is sent to, without what was meant for the registry. */
export function following(http: HttpClient): HttpClient {
  return {
    send: async (url, options) => {
      const answer = await http.send(url, options);
      const { location } = answer.headers;
      if (answer.status !== 307 || location === undefined) return answer;
      return http.send(location, {
        headers: options?.headers?.range ? { range: options.headers.range } : {},
      });
    },
    [Symbol.dispose]: () => http[Symbol.dispose](),
  };
}
