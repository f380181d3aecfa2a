/** What a name alone in `mirror.upstreams` stands for. */
export interface WellKnownUpstream {
  readonly urls: readonly string[];
  readonly aliases: readonly string[];
}

export const DOCKER_HUB = 'docker.io';

const DOCKER_HUB_ALIASES = ['index.docker.io', 'registry-1.docker.io'];

export const WELL_KNOWN_UPSTREAMS: ReadonlyMap<string, WellKnownUpstream> = new Map([
  [DOCKER_HUB, { urls: ['https://registry-1.docker.io'], aliases: DOCKER_HUB_ALIASES }],
  ['gcr.io', { urls: ['https://gcr.io'], aliases: [] }],
  ['quay.io', { urls: ['https://quay.io'], aliases: [] }],
  ['ghcr.io', { urls: ['https://ghcr.io'], aliases: [] }],
  ['registry.k8s.io', { urls: ['https://registry.k8s.io'], aliases: ['k8s.gcr.io'] }],
  ['mcr.microsoft.com', { urls: ['https://mcr.microsoft.com'], aliases: [] }],
  ['public.ecr.aws', { urls: ['https://public.ecr.aws'], aliases: [] }],
]);

const DOCKER_HUB_HOSTS = new Set([DOCKER_HUB, ...DOCKER_HUB_ALIASES]);

/** Whether a host is Docker Hub, where names of one component are short for `library/`. */
export function isDockerHubHost(host: string): boolean {
  return DOCKER_HUB_HOSTS.has(host);
}
