import type { ByteRange } from './byte-range.ts';
import type { Digest } from './digest.ts';
import type { Reference, Tag } from './reference.ts';
import type { ReferrerDescriptor } from './referrer-descriptor.ts';

/*
 * A repository as it is read, in the shapes in which the HTTP API and the mirror meet: neither of the two imports the
 * other.
 */

export interface ReadRequest {
  /** HEAD: the caller wants no content. */
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

export interface BlobAnswer {
  readonly digest: Digest;
  /** Bytes; undefined only in the answer to a GET, of what is on its way here and nobody knows the size of. */
  readonly size: number | undefined;
  /** The whole content, where it is in memory anyway. */
  readonly content: Buffer | undefined;
  /**
   * Opens the bytes of a range, or all: resolves when the source has answered. A chunk is valid only until the
   * next one is asked for.
   */
  open(range: ByteRange | undefined, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** A URL that gives the content to whoever has it; undefined where there is none. */
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

/** One repository as it is read, hosted here or mirrored. Errors are RegistryError, as they leave the server. */
export interface RepositoryReader {
  /** @throws RegistryError NAME_UNKNOWN, MANIFEST_UNKNOWN */
  manifest(reference: Reference, request: ReadRequest): Promise<ManifestAnswer>;
  /** @throws RegistryError NAME_UNKNOWN, BLOB_UNKNOWN */
  blob(digest: Digest, request: ReadRequest): Promise<BlobAnswer>;
  /** @throws RegistryError NAME_UNKNOWN */
  tags(request: TagsRequest): Promise<TagsAnswer>;
  /** All of them, by digest; empty where nothing is known. */
  referrers(subject: Digest, signal: AbortSignal): Promise<readonly ReferrerDescriptor[]>;
}
