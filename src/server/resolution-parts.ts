import type { UpstreamFinder } from '../app.ts';
import type { NameResolver } from '../auth/name-resolver.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { RepositoryResolver } from '../oci/repository-resolver.ts';
import type { Logger } from '../operations/logger.ts';
import type { Metrics } from '../operations/metrics.ts';
import type { BlobRedirect } from '../registry/hosted-repository.ts';
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
