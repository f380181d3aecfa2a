import { setTimeout } from 'node:timers/promises';
import { type Digest, type DigestAlgorithm, digestAlgorithm, digestFromHex } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { BlobContents } from './blob-contents.ts';
import type { UploadWriter } from './driver.ts';
import type { Layers } from './layers.ts';
import { blobDataKey } from './layout.ts';
import { BlobBeingDeletedError } from './linking.ts';
import type { RunningHash, SessionHashes } from './session-hashes.ts';

export interface SessionWriterParts {
  readonly id: string;
  readonly name: RepositoryName;
  readonly writer: UploadWriter;
  readonly contents: BlobContents;
  readonly layers: Layers;
  readonly hashes: SessionHashes;
  /** Whether what was appended is still there when the writer has been given back. */
  readonly keeps: boolean;
  /** What the client announced when it started the session. */
  readonly algorithm: () => Promise<DigestAlgorithm>;
}

/** The one writer of an upload session: counts and hashes what it appends. */
export class SessionWriter {
  readonly #parts: SessionWriterParts;
  #hash: RunningHash | undefined;
  #ended = false;

  constructor(parts: SessionWriterParts) {
    this.#parts = parts;
    this.#hash = parts.hashes.take(parts.id, parts.writer.size);
  }

  get id(): string {
    return this.#parts.id;
  }

  /** Bytes of the session so far. */
  get size(): number {
    return this.#parts.writer.size;
  }

  /**
   * Appends what arrives. What was appended before a failure of the source stays.
   * @param expected the digest, when the client has said it already: its algorithm is the one to hash with
   */
  async append(source: AsyncIterable<Uint8Array>, expected?: Digest): Promise<void> {
    const { writer } = this.#parts;
    const hash = await this.#running(
      expected === undefined ? await this.#announced() : digestAlgorithm(expected),
    );
    for await (const chunk of source) {
      // Both at once, and the chunk is theirs until both have ended.
      const [appended, hashed] = await Promise.allSettled([writer.append(chunk), hash.hasher.update(chunk)]);
      if (appended.status === 'rejected') {
        // The hash has seen what the storage has not.
        this.#forgetHash();
        throw appended.reason;
      }
      if (hashed.status === 'rejected') throw hashed.reason;
      hash.size += chunk.length;
    }
  }

  /**
   * Ends the session: the blob is in the repository when it resolves.
   * @throws RegistryError DIGEST_INVALID, and the session stays; BlobBeingDeletedError
   */
  async finish(expected: Digest): Promise<void> {
    const { writer, layers, contents, name } = this.#parts;
    const { size } = writer;
    const actual = await this.#digest(digestAlgorithm(expected));
    if (actual !== expected) {
      throw new RegistryError('DIGEST_INVALID', {
        message: `the ${writer.size} bytes that were uploaded have the digest ${actual}, not ${expected}`,
        detail: { expected, actual },
      });
    }
    await whileBeingDeleted(() =>
      layers.add(name, expected, async () => {
        await writer.commit(blobDataKey(expected));
        this.#ended = true;
        contents.placed(expected, size);
      }),
    );
  }

  /** Throws the session away. One that ended is gone already, also when its blob could not be linked then. */
  async drop(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#parts.writer.drop();
  }

  /** Gives the writer back; the session stays, unless it has ended. */
  async close(): Promise<void> {
    const hash = this.#hash;
    this.#hash = undefined;
    const { id, writer, hashes, keeps } = this.#parts;
    const { size } = writer;
    let kept = keeps && !this.#ended && hash?.size === size;
    try {
      await writer.close();
    } catch (error) {
      kept = false;
      throw error;
    } finally {
      // Through another process as many other bytes may come in the place of those that are gone.
      if (hash !== undefined && kept) hashes.keep(id, hash);
      else hash?.hasher.dispose();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A fresh session needs no look at what was announced: nothing was hashed that could be wrong. */
  async #announced(): Promise<DigestAlgorithm> {
    return this.#hash?.algorithm ?? (await this.#parts.algorithm());
  }

  /** The running hash, brought up to what the storage has: of this algorithm when it has to be begun anew. */
  async #running(algorithm: DigestAlgorithm): Promise<RunningHash> {
    const { writer, hashes } = this.#parts;
    const running = this.#hash;
    // One that has seen nothing is worth nothing, and what is written now may not be to be had again.
    const fits = running?.algorithm === algorithm || writer.size > 0;
    if (running?.size === writer.size && fits) return running;
    this.#forgetHash();
    const hash = hashes.begin(algorithm);
    this.#hash = hash;
    if (writer.size > 0) {
      for await (const chunk of writer.content()) {
        await hash.hasher.update(chunk);
        hash.size += chunk.length;
      }
    }
    return hash;
  }

  #forgetHash(): void {
    this.#hash?.hasher.dispose();
    this.#hash = undefined;
  }

  async #digest(algorithm: DigestAlgorithm): Promise<Digest> {
    const { writer } = this.#parts;
    if (this.#hash?.algorithm !== algorithm || this.#hash.size !== writer.size) this.#forgetHash();
    const hash = await this.#running(algorithm);
    this.#hash = undefined;
    return digestFromHex(algorithm, await hash.hasher.digest());
  }
}

/** Tries and the milliseconds between them: a deletion under way is over within moments or was left behind. */
const DELETION_TRIES = 12;
const DELETION_PAUSE = 250;

/** @throws BlobBeingDeletedError when the deletion does not end */
async function whileBeingDeleted(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BlobBeingDeletedError) || tries >= DELETION_TRIES) throw error;
      await setTimeout(DELETION_PAUSE);
    }
  }
}
