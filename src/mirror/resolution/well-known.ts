/** A public registry that is known by its name alone. */
export interface WellKnownUpstream {
  readonly url: string;
  /** Other names under which its images go by. */
  readonly aliases: readonly string[];
}

export const DOCKER_HUB = 'docker.io';

const WELL_KNOWN: Readonly<Record<string, WellKnownUpstream>> = {
  [DOCKER_HUB]: {
    url: 'https://registry-1.docker.io',
    aliases: ['index.docker.io', 'registry-1.docker.io'],
  },
  'gcr.io': { url: 'https://gcr.io', aliases: [] },
  'quay.io': { url: 'https://quay.io', aliases: [] },
  'ghcr.io': { url: 'https://ghcr.io', aliases: [] },
  'registry.k8s.io': { url: 'https://registry.k8s.io', aliases: ['k8s.gcr.io'] },
  'mcr.microsoft.com': { url: 'https://mcr.microsoft.com', aliases: [] },
  'public.ecr.aws': { url: 'https://public.ecr.aws', aliases: [] },
};

export function wellKnownUpstream(name: string): WellKnownUpstream | undefined {
  return Object.hasOwn(WELL_KNOWN, name) ? WELL_KNOWN[name] : undefined;
}
