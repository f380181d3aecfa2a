import type { ByteRange } from '../oci/byte-range.ts';
import type { Digest } from '../oci/digest.ts';
import type { Reference, Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { ReferrerDescriptor } from '../storage/referrers.ts';

/*
 * What a mirror gives to the HTTP API, which has the same shapes: the two meet where the server is put together,
 * since neither imports the other.
 */

export interface ReadRequest {
  readonly method: 'GET' | 'HEAD';
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

export interface ManifestAnswer {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  /** Undefined only in the answer to a HEAD. */
  readonly content: Buffer | undefined;
  /** Text of a `Warning: 299` header. */
  readonly warning?: string;
}

export interface BlobContentAnswer {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** The whole content, where it is in memory anyway. */
  readonly content: Buffer | undefined;
  /** A chunk is valid only until the next one is asked for. */
  open(range: ByteRange | undefined, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  redirect(): Promise<string | undefined>;
}

export interface TagsRequest {
  readonly after: string | undefined;
  /** At least 1. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

export interface TagsAnswer {
  readonly tags: readonly Tag[];
  readonly more: boolean;
}

/** One repository as it is read. Errors are RegistryError. */
export interface MirrorReader {
  manifest(reference: Reference, request: ReadRequest): Promise<ManifestAnswer>;
  blob(digest: Digest, request: ReadRequest): Promise<BlobContentAnswer>;
  tags(request: TagsRequest): Promise<TagsAnswer>;
  referrers(subject: Digest, signal: AbortSignal): Promise<readonly ReferrerDescriptor[]>;
}

/** A mirrored repository whose content may be named by manifests that are pushed to a bare name. */
export interface LendingRepository {
  /** Under which its access is decided. */
  readonly stored: RepositoryName;
  /** Puts a blob of it into another repository, fetched where needed. @returns false when it has no such blob */
  lendBlob(digest: Digest, to: RepositoryName): Promise<boolean>;
  /** The same for a manifest, with all that it names. */
  lendManifest(digest: Digest, to: RepositoryName): Promise<boolean>;
}

export interface MirrorResolveRequest {
  /** As it stands in the path. */
  readonly name: RepositoryName;
  readonly ns: string | undefined;
  readonly caller: { readonly host: string };
  readonly pathPrefix: string | undefined;
  readonly intent: 'read' | 'probe' | 'write';
  /** The blob that is asked for. */
  readonly blob?: Digest | undefined;
}

export interface MirrorResolved {
  readonly asked: RepositoryName;
  readonly stored: RepositoryName;
  readonly mirrored: boolean;
  readonly namespace: string | undefined;
  readonly reader: MirrorReader;
  /** Where the caller is led who may not read this one, but may read the hosted one. */
  readonly alternative?: MirrorResolved;
  readonly namesake?: LendingRepository;
}
