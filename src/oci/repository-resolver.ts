import type { Caller } from './access.ts';
import type { Digest } from './digest.ts';
import type { RepositoryName } from './repository-name.ts';
import type { RepositoryReader } from './repository-reader.ts';

export interface ResolveRequest {
  /** As it stands in the path. */
  readonly name: RepositoryName;
  /** The `ns` query parameter: the registry the client means. */
  readonly ns: string | undefined;
  readonly caller: Caller;
  /** A registry named before `/v2/` in the path. */
  readonly pathPrefix: string | undefined;
  /** What the client is about to do; a HEAD is `probe`: clients ask it before they push. */
  readonly intent: 'read' | 'probe' | 'write';
  /** The blob that is read: a bare name may have it while its manifests are still those of an upstream. */
  readonly blob?: Digest | undefined;
}

/** A mirrored repository whose content may be named by manifests that are pushed to its bare name. */
export interface LendingRepository {
  /** Under which its access is decided. */
  readonly stored: RepositoryName;
  /** Puts a blob of it into another repository, fetched where needed. @returns false when it has no such blob */
  lendBlob(digest: Digest, to: RepositoryName): Promise<boolean>;
  /** The same for a manifest, with all that it names. */
  lendManifest(digest: Digest, to: RepositoryName): Promise<boolean>;
}

/** Where a name leads. */
export interface ResolvedRepository {
  /** As it stands in the path. */
  readonly asked: RepositoryName;
  /** The name under which it is stored, and on which access is decided. */
  readonly stored: RepositoryName;
  readonly mirrored: boolean;
  /** What goes into `OCI-Namespace`. */
  readonly namespace: string | undefined;
  readonly reader: RepositoryReader;
  /** The hosted repository of a bare name, for who may not read the mirrored one that the name leads to now. */
  readonly alternative?: ResolvedRepository;
  /** Of a bare name that is written to. */
  readonly namesake?: LendingRepository;
}

export interface RepositoryResolver {
  /** @throws RegistryError NAME_UNKNOWN for an unknown `ns`; DENIED for a write to a mirrored name */
  resolve(request: ResolveRequest): Promise<ResolvedRepository>;
}
