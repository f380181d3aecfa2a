import type { ByteRange } from '../../oci/byte-range.ts';
import { type Digest, digestAlgorithm, digestFromHex } from '../../oci/digest.ts';
import type { HasherPool } from '../../storage/content-hasher.ts';
import type { LentChunks } from '../upstream/response-body.ts';
import type { Slabs } from '../upstream/slabs.ts';
import { AppendBehind } from './append-behind.ts';
import { BlobHash } from './blob-hash.ts';
import { Changes } from './changes.ts';
import { gathered, lengthOf } from './chunks.ts';
import type { FillMedium } from './fill-medium.ts';
import { HeldBytes } from './held-bytes.ts';
import { LandedRanges } from './landed-ranges.ts';
import type { HashedPrefix } from './pass-proof.ts';
import { WriteBehind } from './write-behind.ts';

export interface GrowingBlobParts {
  readonly digest: Digest;
  /** Bytes; `Infinity` while nobody knows: `endHere` tells then. */
  readonly size: number;
  readonly medium: FillMedium;
  readonly hashers: HasherPool;
  /** How many blobs share the memory there is. */
  readonly sharers: () => number;
  /** For what is read back. */
  readonly slabs: Slabs;
  /** Opens what was committed, for a reader whose bytes the medium does not hold any more. */
  readonly openCommitted: (range: ByteRange) => Promise<AsyncIterable<Uint8Array>>;
  /** Called once, when it is over and nobody reads it any more: it holds nothing then. */
  readonly closed: () => void;
}

type State = 'growing' | 'proven' | 'committed' | 'failed';

/**
 * A blob on its way here: written by whoever fetches it, read by any number at their own pace. The digest is taken
 * in order, right behind what has landed.
 */
export class GrowingBlob {
  readonly #parts: GrowingBlobParts;
  readonly #landed = new LandedRanges();
  readonly #held: HeldBytes;
  readonly #writing: WriteBehind;
  readonly #hash: BlobHash;
  readonly #appending: AppendBehind | undefined;
  readonly #changes = new Changes();
  #state: State = 'growing';
  #error: unknown;
  #readers = 0;
  /** Nothing more will happen to it. */
  #over = false;
  #closed = false;
  #size: number;

  constructor(parts: GrowingBlobParts) {
    this.#parts = parts;
    this.#size = parts.size;
    this.#held = new HeldBytes({
      medium: parts.medium,
      slabs: parts.slabs,
      size: () => this.#size,
      sharers: parts.sharers,
      // Who still reads what is committed does not keep up: there may be many such blobs, for long.
      sparing: () => this.#state === 'committed',
    });
    this.#writing = new WriteBehind(parts.medium);
    this.#hash = this.#beginHash();
    this.#appending = this.#beginAppending();
  }

  /** Bytes; `Infinity` while nobody knows. */
  get size(): number {
    return this.#size;
  }

  get landedBytes(): number {
    return this.#landed.bytes;
  }

  get complete(): boolean {
    return this.#landed.bytes === this.size;
  }

  /** Whether bytes may land in any order. */
  get anyOrder(): boolean {
    return this.#parts.medium.anyOrder;
  }

  get failed(): boolean {
    return this.#state === 'failed';
  }

  /** What has not landed between two positions, in order. */
  missing(start: number, end: number): readonly { readonly start: number; readonly end: number }[] {
    return this.#landed.missing(start, end);
  }

  /**
   * Takes bytes that are missing; readers have them at once. Resolves when they are written; lets go of the chunks
   * when nobody reads them any more.
   */
  land(lent: LentChunks, offset: number): Promise<void> {
    return this.#land(gathered(lent), offset);
  }

  async #land({ chunks, letGo }: LentChunks, offset: number): Promise<void> {
    const length = lengthOf(chunks);
    const written = this.#held.add(offset, { chunks, letGo, length });
    this.#landed.add(offset, offset + length);
    this.#changes.tell();
    const writing = this.#writing.write(chunks, { offset, length });
    if (this.complete) this.#writing.flush();
    await Promise.all([writing, this.#hash.take(chunks, offset)]);
    written();
    this.#hash.goOn();
    this.#appending?.goOn();
  }

  /** Nothing follows what has landed: of a blob whose size was not known. */
  endHere(): void {
    this.#size = this.#landed.bytes;
    this.#changes.tell();
  }

  /** Waits until all of it has been hashed. @returns whether the digest is right */
  async prove(): Promise<boolean> {
    while (this.#hash.hashed < this.size) {
      await this.#changes.next();
    }
    const { digest } = this.#parts;
    const proven = digestFromHex(digestAlgorithm(digest), await this.#hash.digest()) === digest;
    if (proven) {
      this.#state = 'proven';
      this.#changes.tell();
    }
    return proven;
  }

  /**
   * Waits until all that landed is written: the digest is of what came, and of what is written only then.
   * @throws what a write failed with
   */
  written(): Promise<void> {
    return this.#writing.settled();
  }

  /**
   * What has landed without a gap, for whoever goes on elsewhere; nothing may land after it.
   * @throws what reading it back failed with
   */
  async hashedSoFar(): Promise<HashedPrefix> {
    const { digest } = this.#parts;
    const length = this.#landed.endFrom(0);
    while (this.#hash.hashed < length) {
      this.#hash.goOn();
      await this.#changes.next();
    }
    return { length, digest: digestFromHex(digestAlgorithm(digest), await this.#hash.digest()) };
  }

  /** Waits until the medium has been given all of it. @throws what that failed with */
  async appended(): Promise<void> {
    while (this.#appending !== undefined && this.#appending.appended < this.size) {
      this.#appending.goOn();
      await this.#changes.next();
    }
  }

  /** Ends what goes on in the background; nothing touches the medium any more when it resolves. */
  async quiet(): Promise<void> {
    this.#appending?.stop();
    await this.#hash.stop();
    await this.#writing.stop(new Error('the fill was given up'));
    while (this.#appending?.running === true) await this.#changes.next();
  }

  /** The content is in the storage now. */
  committed(): void {
    this.#state = 'committed';
    this.#over = true;
    this.#changes.tell();
    this.#held.trim();
    this.#closeWhenUnread();
  }

  /** Ends readers with an error; those of a blob that was proven only where its bytes are not held any more. */
  fail(error: unknown): void {
    if (this.#over) return;
    if (this.#state === 'growing') this.#state = 'failed';
    this.#error = error;
    this.#over = true;
    this.#changes.tell();
    this.#closeWhenUnread();
  }

  /**
   * The bytes of a range as they land; the last byte of the blob only when the digest is proven. A chunk is valid
   * until the next one is asked for.
   * @throws what `fail` was called with, and the signal's reason
   */
  async *read(range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    this.#readers++;
    const wake = (): void => this.#changes.tell();
    signal.addEventListener('abort', wake, { once: true });
    try {
      for (let at = range.start; at <= this.#lastOf(range); ) {
        signal.throwIfAborted();
        if (this.#closed) {
          yield* await this.#fromStorage({ start: at, end: range.end }, signal);
          return;
        }
        const end = this.#readableEnd(at, range.end);
        if (end === at) {
          if (this.#state === 'failed') throw this.#error;
          await this.#changes.next();
          continue;
        }
        const held = await this.#held.hold(at, end);
        if (held === undefined) {
          yield* await this.#fromStorage({ start: at, end: range.end }, signal);
          return;
        }
        try {
          at += held.chunk.length;
          yield held.chunk;
        } finally {
          held.letGo();
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#readers--;
      this.#closeWhenUnread();
    }
  }

  /** Behind the last byte that a reader at `at` may have now. */
  #readableEnd(at: number, last: number): number {
    const landed = Math.min(this.#landed.endFrom(at), last + 1);
    const proven = this.#state === 'proven' || this.#state === 'committed';
    if (this.#state === 'failed') return at;
    const mayBeLast = landed === this.size || this.#parts.size === Number.POSITIVE_INFINITY;
    return mayBeLast && !proven ? Math.max(at, landed - 1) : landed;
  }

  /** The last byte that a reader of the range gets; where the size is not known, only the proof says which that is. */
  #lastOf({ end }: ByteRange): number {
    return this.#state === 'proven' || this.#state === 'committed' ? Math.min(end, this.#size - 1) : end;
  }

  async #fromStorage(range: ByteRange, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    while (this.#state !== 'committed') {
      signal.throwIfAborted();
      if (this.#over) throw this.#error;
      await this.#changes.next();
    }
    return await this.#parts.openCommitted({ start: range.start, end: this.#lastOf(range) });
  }

  #beginHash(): BlobHash {
    const { digest, hashers, medium } = this.#parts;
    return new BlobHash({
      hasher: hashers.begin(digestAlgorithm(digest)),
      advanced: () => this.#changes.tell(),
      readsBack: medium.anyOrder,
      landedFrom: (at) => this.#landed.endFrom(at),
      read: (start, end) => this.#held.mustHold(start, end),
    });
  }

  #beginAppending(): AppendBehind | undefined {
    const { medium } = this.#parts;
    if (medium.append === undefined) return undefined;
    return new AppendBehind({
      append: medium.append.bind(medium),
      writtenFrom: (at) => this.#held.writtenFrom(at),
      read: (start, end) => this.#held.mustHold(start, end),
      rested: () => this.#changes.tell(),
    });
  }

  #closeWhenUnread(): void {
    if (this.#closed || this.#readers > 0 || !this.#over) return;
    this.#closed = true;
    this.#held.close();
    // Only a descriptor: whatever its end says can hurt nobody.
    this.#parts.medium.close().catch(() => {});
    this.#parts.closed();
  }
}
