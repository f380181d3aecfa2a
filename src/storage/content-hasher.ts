import type { DigestAlgorithm } from '../oci/digest.ts';

/** Hashes content as it arrives. Calls do not overlap. */
export interface ContentHasher {
  /** The caller may reuse the chunk when it resolves. */
  update(chunk: Uint8Array): Promise<void>;
  /** Lower-case hexadecimal; ends the hasher. */
  digest(): Promise<string>;
  /** Ends the hasher without a result. */
  dispose(): void;
}

export interface HasherPool {
  begin(algorithm: DigestAlgorithm): ContentHasher;
}
