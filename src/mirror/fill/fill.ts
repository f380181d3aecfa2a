import type { ByteRange } from '../../oci/byte-range.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { UpstreamClient } from '../upstream/upstream-client.ts';

export interface FillRequest {
  readonly client: UpstreamClient;
  /** The repository's name upstream. */
  readonly repository: string;
  /** The repository's name here. */
  readonly stored: RepositoryName;
  readonly digest: Digest;
  /** Bytes, where a manifest told. */
  readonly expectedSize: number | undefined;
}

/** A blob that is being fetched. */
export interface Fill {
  /** Bytes; undefined where the upstream does not tell: then `kept` is when they are known. */
  readonly size: number | undefined;
  /** The bytes as they land; an end behind the blob's is its end. */
  read(range: ByteRange, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Resolves when the blob is in the repository; rejects when that failed. */
  readonly kept: Promise<void>;
}

/** A fill that is under way, or about to begin. */
export interface RunningFill {
  /** The repository for which it was begun. */
  readonly stored: RepositoryName;
  /** Rejects when it cannot begin. */
  readonly begun: Promise<Fill>;
}
