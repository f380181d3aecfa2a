import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Clients } from './clients.ts';
import { pushGreeting } from './images.ts';
import { type RegistryServer, startRegistry } from './registry-server.ts';
import type { Scratch } from './scratch.ts';
import { toolPath } from './tools.ts';

/** A mirror of registries that stand for public ones, none of which can be reached. */
export interface MirrorSetup {
  /** Debian's docker-registry, for docker.io. */
  readonly hub: RegistryServer;
  /** distribution behind Basic, for quay.io. */
  readonly quay: RegistryServer;
  /** This product behind its own tokens, for gcr.io. */
  readonly gcr: RegistryServer;
  readonly mirror: RegistryServer;
  /** The digest of `docker.io/library/hello:v1`. */
  readonly hello: string;
}

/** Who may pull from `quay` and `gcr`. */
export const PULLER = { name: 'puller', password: 'a-password' };

/** Starts them, with `library/hello:v1` at each. */
export async function startMirrorSetup(
  held: AsyncDisposableStack,
  { scratch, clients }: { readonly scratch: Scratch; readonly clients: Clients },
): Promise<MirrorSetup> {
  const folder = (name: string): string => {
    mkdirSync(scratch.at(name), { recursive: true });
    return scratch.at(name);
  };
  const users = scratch.at('upstream-users');
  writeFileSync(users, execFileSync(toolPath('htpasswd'), ['-Bbn', PULLER.name, PULLER.password]));
  const hub = held.use(await startRegistry({ kind: 'docker-registry', directory: folder('hub') }));
  const quay = held.use(
    await startRegistry({
      kind: 'distribution',
      directory: folder('quay'),
      config: { auth: { htpasswd: { realm: 'quay', path: users } } },
    }),
  );
  const access = [{ account: PULLER.name, repository: '**', actions: ['*'] }];
  const gcr = held.use(
    await startRegistry({
      kind: 'fairlead',
      directory: folder('gcr'),
      config: { auth: { builtin: { users, access } } },
    }),
  );
  for (const { host } of [quay, gcr]) {
    await clients.crane('auth', 'login', host, '-u', PULLER.name, '-p', PULLER.password);
  }
  const push = (host: string, name: string) =>
    pushGreeting(clients, { folder: scratch.path, reference: `${host}/${name}:v1`, text: name });
  const hello = await push(hub.host, 'library/hello');
  await push(quay.host, 'deis/go-dev');
  await push(gcr.host, 'google_containers/pause');
  const credentials = { username: PULLER.name, password: PULLER.password };
  const mirror = held.use(
    await startRegistry({
      kind: 'fairlead',
      directory: folder('mirror'),
      config: {
        mirror: {
          upstreams: [
            { name: 'docker.io', urls: [hub.url], tagttl: '1s' },
            {
              name: 'quay.io',
              urls: [quay.url],
              hosts: ['quay.mirror.example', 'localhost'],
              ...credentials,
            },
            { name: 'gcr.io', urls: [gcr.url], ...credentials },
          ],
        },
      },
    }),
  );
  return { hub, quay, gcr, mirror, hello };
}
