import { type HttpClient, httpClient } from './http-client.ts';
import { type RoundRobin, startRoundRobin } from './nginx.ts';
import { RepositoryClient } from './registry-client.ts';
import { type RegistryConfig, type RegistryServer, startRegistry } from './registry-server.ts';
import type { S3Server } from './s3-servers.ts';
import { following } from './shared-bucket.ts';
import { s3Storage } from './storages.ts';

export interface ReplicasOptions {
  readonly s3: S3Server;
  /** A folder for the servers' own files. */
  readonly directory: string;
  /** How many servers. */
  readonly count: number;
  /** Keys of `storage` beside `s3`; default: no redirects. */
  readonly storage?: RegistryConfig;
}

/** Several servers over one bucket, and nginx that takes them in turn without stickiness. */
export interface Replicas extends AsyncDisposable {
  readonly http: HttpClient;
  readonly registries: readonly RegistryServer[];
  readonly front: RoundRobin;
  /** The repository through nginx. */
  behind(name: string): RepositoryClient;
  /** The repository through each of the servers. */
  each(name: string): RepositoryClient[];
}

export async function startReplicas({
  s3,
  directory,
  count,
  storage: more = { redirect: { disable: true } },
}: ReplicasOptions): Promise<Replicas> {
  await using held = new AsyncDisposableStack();
  const http = following(held.use(httpClient()));
  const storage = { ...s3Storage(s3), ...more };
  const registries: RegistryServer[] = [];
  for (let number = 0; number < count; number += 1) {
    registries.push(held.use(await startRegistry({ directory, config: { storage } })));
  }
  const front = held.use(
    await startRoundRobin(
      directory,
      registries.map(({ host }) => host),
    ),
  );
  const through = (origin: string, name: string) => new RepositoryClient(http, { origin, name });
  const all = held.move();
  return {
    http,
    registries,
    front,
    behind: (name) => through(front.url, name),
    each: (name) => registries.map(({ url }) => through(url, name)),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
