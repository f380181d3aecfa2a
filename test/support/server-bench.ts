import { type HttpClient, httpClient } from './http-client.ts';
import { RepositoryClient } from './registry-client.ts';
import { type RegistryOptions, type RegistryServer, startRegistry } from './registry-server.ts';
import { makeScratch, type Scratch } from './scratch.ts';

/** A server under test in a folder of its own, and a client for it. */
export interface Bench extends AsyncDisposable {
  readonly scratch: Scratch;
  readonly server: RegistryServer;
  readonly http: HttpClient;
  repository(name: string): RepositoryClient;
  /** Another server on the same directory. */
  second(): Promise<RegistryServer>;
}

export async function startBench(options: Omit<RegistryOptions, 'directory'> = {}): Promise<Bench> {
  await using held = new AsyncDisposableStack();
  const scratch = held.use(makeScratch());
  const http = held.use(httpClient());
  const server = held.use(await startRegistry({ ...options, directory: scratch.path }));
  const all = held.move();
  return {
    scratch,
    server,
    http,
    repository: (name) => new RepositoryClient(http, { origin: server.url, name }),
    second: async () => {
      const { port: _, ...same } = options;
      return all.use(await startRegistry({ ...same, directory: scratch.path }));
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
