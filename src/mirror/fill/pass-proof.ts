import { type Digest, digestAlgorithm, digestFromHex } from '../../oci/digest.ts';
import type { ContentHasher, HasherPool } from '../../storage/content-hasher.ts';
import { UpstreamWrong } from '../upstream/upstream-errors.ts';
import type { UpstreamUrl } from '../upstream/upstream-url.ts';
import { clip } from './chunks.ts';
import type { SourceTrust } from './source-trust.ts';

/** The first bytes of a blob, as they came. */
export interface HashedPrefix {
  /** Bytes. */
  readonly length: number;
  /** Of the blob's algorithm. */
  readonly digest: Digest;
}

interface PassProofParts {
  readonly digest: Digest;
  readonly hashers: HasherPool;
  readonly trust: SourceTrust<UpstreamUrl>;
}

/** Whether all bytes of a blob, taken in order, have its digest, and begin with what somebody got before. */
export class PassProof {
  readonly #parts: PassProofParts;
  readonly #before: HashedPrefix | undefined;
  readonly #whole: ContentHasher;
  readonly #beginning: ContentHasher | undefined;
  #at = 0;

  constructor(parts: PassProofParts, before: HashedPrefix | undefined) {
    const algorithm = digestAlgorithm(parts.digest);
    this.#parts = parts;
    this.#before = before;
    this.#whole = parts.hashers.begin(algorithm);
    this.#beginning = before === undefined ? undefined : parts.hashers.begin(algorithm);
  }

  async take(chunk: Buffer): Promise<void> {
    await this.#whole.update(chunk);
    const to = this.#before?.length ?? 0;
    for (const part of clip([chunk], { at: this.#at, from: 0, to })) await this.#beginning?.update(part);
    this.#at += chunk.length;
  }

  /** @throws UpstreamWrong */
  async check(contributors: ReadonlySet<UpstreamUrl>, senders: string): Promise<void> {
    const { digest, trust } = this.#parts;
    const algorithm = digestAlgorithm(digest);
    if (digestFromHex(algorithm, await this.#whole.digest()) !== digest) {
      trust.wrong(contributors);
      throw new UpstreamWrong(senders, `sent other content than ${digest}`);
    }
    trust.right(contributors);
    if (this.#beginning === undefined || this.#before === undefined) return;
    if (digestFromHex(algorithm, await this.#beginning.digest()) !== this.#before.digest)
      throw new UpstreamWrong(senders, `sent another beginning of ${digest} before`);
  }

  [Symbol.dispose](): void {
    this.#whole.dispose();
    this.#beginning?.dispose();
  }
}
