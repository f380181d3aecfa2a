import type { ParameterizedContext } from 'koa';
import type { Authorizer, Caller, Grant } from '../oci/access.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { RepositoryResolver, ResolvedRepository } from '../oci/repository-resolver.ts';
import type { BodyBuffers } from '../operations/body-buffers.ts';
import type { RegistryStorage } from '../storage/registry-storage.ts';
import type { ManifestRules } from './manifest-rules.ts';
import type { UploadSlots } from './upload-slots.ts';

export interface RegistrySettings {
  readonly deleteEnabled: boolean;
  /** Every request that would change something is refused. */
  readonly readOnly: boolean;
  /** Location headers without scheme and host. */
  readonly relativeUrls: boolean;
  /** Most entries of one page. */
  readonly maxCatalogEntries: number;
  readonly maxTags: number;
  /** Bytes. */
  readonly maxManifestSize: number;
  /** Milliseconds that may pass in a request body without a byte. */
  readonly idleBody: number;
  readonly manifests: ManifestRules;
}

/** One line of the audit log. */
export interface AuditEntry {
  readonly audit: 'push' | 'delete';
  readonly account: string | undefined;
  readonly address: string;
  readonly repository: string;
  readonly reference: string;
  readonly requestId: string;
}

/** What the endpoints need; put together in one place. */
export interface RegistryApi {
  readonly storage: RegistryStorage;
  readonly resolver: RepositoryResolver;
  readonly authorizer: Authorizer;
  readonly uploadSlots: UploadSlots;
  readonly bodyBuffers: BodyBuffers;
  readonly settings: RegistrySettings;
  /** Whether a name of the storage is a mirrored repository. */
  readonly isMirrored: (name: RepositoryName) => boolean;
  readonly audit: (entry: AuditEntry) => void;
}

/** What goes with a request before any endpoint sees it. */
export interface RequestState {
  readonly caller: Caller;
  /** What stands before `/v2/` in URLs that go back to the client: a proxy's or `http.prefix`. */
  readonly urlPrefix: string;
  /** A registry named before `/v2/` in the path. */
  readonly registryPrefix: string | undefined;
}

export type RegistryContext = ParameterizedContext<RequestState>;

/** A request whose repository is known and whose caller may do what it asks. */
export interface RepositoryExchange {
  readonly ctx: RegistryContext;
  readonly api: RegistryApi;
  readonly repository: ResolvedRepository;
  readonly grant: Grant;
  /** What a mount names in `from`, where that leads to a repository. */
  readonly mountSource: ResolvedRepository | undefined;
}
