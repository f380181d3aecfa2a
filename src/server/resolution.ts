import type { UpstreamFinder } from '../app.ts';
import { hostedNames, type NameResolver } from '../auth/name-resolver.ts';
import type { Config } from '../config/config.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Logger } from '../operations/logger.ts';
import type { Metrics } from '../operations/metrics.ts';
import { type BlobRedirect, HostedResolver } from '../registry/hosted-repository.ts';
import type { RepositoryResolver } from '../registry/repository-resolver.ts';
import type { RegistryStorage } from '../storage/registry-storage.ts';

/** Where names lead, with and without a mirror. */
export interface Resolution extends AsyncDisposable {
  readonly resolver: RepositoryResolver;
  readonly names: NameResolver;
  readonly isMirrored: (name: RepositoryName) => boolean;
  readonly upstreams: UpstreamFinder | undefined;
}

export interface ResolutionParts {
  readonly storage: RegistryStorage;
  readonly redirect: BlobRedirect;
  readonly logger: Logger;
  readonly metrics: Metrics | undefined;
}

/**
 * What mirrors is loaded only where something is mirrored: it takes its time.
 * @throws Error when certificates cannot be read, or the storage belongs to distribution's proxy
 */
export async function openResolution(config: Config, parts: ResolutionParts): Promise<Resolution> {
  const { mirror, proxy } = config;
  if (mirror !== undefined || proxy !== undefined) {
    const { openMirror, openProxy } = await import('./open-mirror.ts');
    if (mirror !== undefined) return await openMirror(config, mirror, parts);
    if (proxy !== undefined) return openProxy(config, proxy, parts);
  }
  return {
    resolver: new HostedResolver(parts.storage, parts.redirect),
    names: hostedNames,
    isMirrored: () => false,
    upstreams: undefined,
    [Symbol.asyncDispose]: async () => {},
  };
}
