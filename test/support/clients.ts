import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, client, homeIn } from './client.ts';

/** The clients that need no daemon, at home in one folder and with plain HTTP allowed. */
export interface Clients {
  readonly env: NodeJS.ProcessEnv;
  readonly crane: Client;
  readonly regctl: Client;
  readonly skopeo: Client;
  readonly podman: Client;
  readonly helm: Client;
  readonly cosign: Client;
}

/** `folder` is where their homes, images and caches go. */
export function clientsIn(folder: string): Clients {
  const env = homeIn(folder);
  const policy = join(folder, 'policy.json');
  writeFileSync(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  // No registry but the ones named in full: nothing is ever asked outside.
  const registries = join(folder, 'registries.conf');
  writeFileSync(registries, 'unqualified-search-registries = []\nshort-name-mode = "disabled"\n');
  // podman 4 fails when DOCKER_CONFIG leads to a folder without a config.json.
  const { DOCKER_CONFIG: _, ...others } = env;
  const containers = { ...others, CONTAINERS_REGISTRIES_CONF: registries };
  const podmanFolders = ['--root', join(folder, 'podman'), '--runroot', join(folder, 'podman-run')];
  return {
    env,
    crane: client('crane', { env, first: ['--insecure'] }),
    regctl: client('regctl', { env }),
    skopeo: client('skopeo', { env: containers, first: ['--policy', policy] }),
    podman: client('podman', {
      env: containers,
      first: [
        '--storage-driver',
        'vfs',
        ...podmanFolders,
        '--cgroup-manager',
        'cgroupfs',
        '--events-backend',
        'none',
      ],
    }),
    helm: client('helm', { env }),
    cosign: client('cosign', { env: { ...env, COSIGN_PASSWORD: '' } }),
  };
}
