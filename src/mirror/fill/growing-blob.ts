import type { ByteRange } from '../../oci/byte-range.ts';
import { type Digest, digestAlgorithm, digestFromHex } from '../../oci/digest.ts';
import type { ContentHasher, HasherPool } from '../../storage/content-hasher.ts';
import type { FillMedium } from './fill-medium.ts';
import { LandedRanges } from './landed-ranges.ts';
import { RecentChunks } from './recent-chunks.ts';

/** Bytes that stay in memory after they were written, for readers who keep up: of all fills together, and of one. */
const RECENT_IN_ALL = 24 * 1024 * 1024;
const RECENT = { least: 256 * 1024, most: 4 * 1024 * 1024 };
/** Bytes that a reader who does not keep up, or the hash, reads at a time. */
const READ_SIZE = 256 * 1024;
/** Bytes by which a reader may lag behind what was written, for that to be in the system's memory for certain. */
const JUST_WRITTEN = 16 * 1024 * 1024;

export interface GrowingBlobParts {
  readonly digest: Digest;
  /** Bytes; `Infinity` while nobody knows: `endHere` tells then. */
  readonly size: number;
  readonly medium: FillMedium;
  readonly hashers: HasherPool;
  /** Opens what was committed, for a reader whose bytes the medium does not hold any more. */
  /** How many fills share the memory there is. */
  readonly sharers: () => number;
  readonly openCommitted: (range: ByteRange) => Promise<AsyncIterable<Uint8Array>>;
}

type State = 'growing' | 'proven' | 'committed' | 'failed';

/**
 * A blob on its way here: written by whoever fetches it, read by any number at their own pace. The digest is taken
 * in order, right behind what has landed.
 */
export class GrowingBlob {
  readonly #parts: GrowingBlobParts;
  readonly #landed = new LandedRanges();
  /** What can be read from the medium. */
  readonly #written = new LandedRanges();
  readonly #recent: RecentChunks;
  readonly #hasher: ContentHasher;
  /** Hashed, and given to the medium in order, up to here. */
  #ordered = 0;
  #ordering = false;
  /** Given to a medium that takes it slowly, up to here. */
  #appended = 0;
  #appending = false;
  #stopped = false;
  #appendError: { readonly error: unknown } | undefined;
  #state: State = 'growing';
  #error: unknown;
  #waiting: (() => void)[] = [];
  #readers = 0;
  /** Nothing more will happen to it. */
  #over = false;
  #closed = false;
  #size: number;

  constructor(parts: GrowingBlobParts) {
    this.#parts = parts;
    this.#size = parts.size;
    this.#recent = new RecentChunks(() =>
      Math.min(Math.max(RECENT_IN_ALL / parts.sharers(), RECENT.least), RECENT.most),
    );
    this.#hasher = parts.hashers.begin(digestAlgorithm(parts.digest));
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

  /** Takes bytes that are missing; readers have them at once. Resolves when they are written. */
  async land(chunks: readonly Buffer[], offset: number): Promise<void> {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const kept = this.#recent.add(chunks, offset);
    this.#landed.add(offset, offset + length);
    this.#wake();
    const inOrder = this.#mayOrder(offset);
    await Promise.all([
      this.#parts.medium.write(chunks, offset),
      inOrder ? this.#takeInOrder(chunks) : undefined,
    ]);
    this.#written.add(offset, offset + length);
    kept();
    if (!inOrder) this.#catchUp();
    this.#appendBehind();
  }

  /** As `land`, for chunks that are valid only until it resolves: readers have them when they are written. */
  async landReused(chunks: readonly Buffer[], offset: number): Promise<void> {
    // What is not written anywhere has to stay in memory.
    if (!this.#parts.medium.anyOrder) return await this.land([Buffer.concat(chunks)], offset);
    const end = offset + chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const inOrder = this.#mayOrder(offset);
    await Promise.all([
      this.#parts.medium.write(chunks, offset),
      inOrder ? this.#takeInOrder(chunks) : undefined,
    ]);
    this.#landed.add(offset, end);
    this.#written.add(offset, end);
    this.#wake();
    this.#catchUp();
    this.#appendBehind();
  }

  /** Nothing follows what has landed: of a blob whose size was not known. */
  endHere(): void {
    this.#size = this.#landed.bytes;
    this.#wake();
  }

  /** Waits until all of it has been hashed. @returns whether the digest is right */
  async prove(): Promise<boolean> {
    while (this.#ordered < this.size) {
      this.#catchUp();
      await this.#change();
      if (this.#state === 'failed') throw this.#error;
    }
    const { digest } = this.#parts;
    const proven = digestFromHex(digestAlgorithm(digest), await this.#hasher.digest()) === digest;
    if (proven) {
      this.#state = 'proven';
      this.#wake();
    }
    return proven;
  }

  /** Waits until the medium has been given all of it. @throws what that failed with */
  async appended(): Promise<void> {
    while (this.#parts.medium.slowAppend && this.#appended < this.size) {
      this.#appendBehind();
      await this.#change();
      if (this.#appendError !== undefined) throw this.#appendError.error;
    }
  }

  /** Ends what goes on in the background; nothing touches the medium any more when it resolves. */
  async quiet(): Promise<void> {
    this.#stopped = true;
    while (this.#appending || this.#ordering) await this.#change();
  }

  /** The content is in the storage now. */
  committed(): void {
    this.#state = 'committed';
    this.#over = true;
    this.#wake();
    this.#closeWhenUnread();
  }

  /** Ends readers with an error; those of a blob that was proven only where its bytes are not held any more. */
  fail(error: unknown): void {
    if (this.#over) return;
    if (this.#state === 'growing') {
      this.#hasher.dispose();
      this.#state = 'failed';
    }
    this.#error = error;
    this.#over = true;
    this.#wake();
    this.#closeWhenUnread();
  }

  /**
   * The bytes of a range as they land; the last byte of the blob only when the digest is proven. A chunk is valid
   * until the next one is asked for.
   * @throws what `fail` was called with, and the signal's reason
   */
  async *read(range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    this.#readers++;
    let buffer: Buffer | undefined;
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake, { once: true });
    try {
      for (let at = range.start; at <= this.#lastOf(range); ) {
        signal.throwIfAborted();
        const end = this.#readableEnd(at, range.end);
        if (end === at) {
          if (this.#state === 'failed') throw this.#error;
          await this.#change();
          continue;
        }
        const recent = this.#recent.at(at);
        if (recent !== undefined) {
          const chunk = recent.subarray(0, end - at);
          at += chunk.length;
          yield chunk;
          continue;
        }
        buffer ??= Buffer.allocUnsafeSlow(READ_SIZE);
        const length = await this.#readWritten(buffer, at, end);
        if (length === 0) {
          yield* await this.#fromStorage({ start: at, end: range.end });
          return;
        }
        at += length;
        yield buffer.subarray(0, length);
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

  async #fromStorage(range: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    while (this.#state !== 'committed') {
      if (this.#over) throw this.#error;
      await this.#change();
    }
    return await this.#parts.openCommitted({ start: range.start, end: this.#lastOf(range) });
  }

  /** Whether bytes can be hashed as they come, without being read back. */
  #mayOrder(offset: number): boolean {
    return this.#ordered === offset && !this.#ordering;
  }

  /** Reads what landed out of order back, and hashes it, as far as there is no gap. */
  #catchUp(): void {
    if (this.#ordering || this.#state !== 'growing') return;
    if (this.#landed.endFrom(this.#ordered) === this.#ordered) return;
    this.#catchUpNow().catch((error: unknown) => this.fail(error));
  }

  async #catchUpNow(): Promise<void> {
    this.#ordering = true;
    try {
      const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
      for (;;) {
        const end = this.#landed.endFrom(this.#ordered);
        if (end === this.#ordered || this.#state !== 'growing' || this.#stopped) break;
        const recent = this.#recent.at(this.#ordered);
        const chunk = recent ?? (await this.#readBack(buffer, end));
        await this.#order(chunk);
      }
    } finally {
      this.#ordering = false;
      this.#wake();
    }
  }

  async #readBack(buffer: Buffer, end: number): Promise<Buffer> {
    const length = await this.#readWritten(buffer, this.#ordered, end);
    if (length === 0) throw new Error('what was written cannot be read back');
    return buffer.subarray(0, length);
  }

  /** What has left memory is written, but what lies behind it need not be. */
  #readWritten(buffer: Buffer, at: number, end: number): Promise<number> {
    const { medium } = this.#parts;
    const written = Math.min(end, this.#written.endFrom(at));
    const into = buffer.subarray(0, Math.min(buffer.length, written - at));
    // What was written a moment ago is in the system's memory: to copy it costs less than a thread.
    if (medium.readNow !== undefined && written - at < JUST_WRITTEN)
      return Promise.resolve(medium.readNow(into, at));
    return medium.read(into, at);
  }

  async #takeInOrder(chunks: readonly Buffer[]): Promise<void> {
    this.#ordering = true;
    try {
      for (const chunk of chunks) await this.#order(chunk);
    } finally {
      this.#ordering = false;
      this.#wake();
    }
    // What lies behind may have landed before.
    this.#catchUp();
  }

  async #order(chunk: Uint8Array): Promise<void> {
    const { medium } = this.#parts;
    await Promise.all([this.#hasher.update(chunk), medium.slowAppend ? undefined : medium.append(chunk)]);
    this.#ordered += chunk.length;
  }

  /** Gives what was written to a medium that takes it slowly, behind the readers and the hash. */
  #appendBehind(): void {
    if (!this.#parts.medium.slowAppend || this.#appending || this.#stopped) return;
    this.#appending = true;
    this.#appendNow()
      .catch((error: unknown) => {
        this.#appendError ??= { error };
      })
      .finally(() => {
        this.#appending = false;
        this.#wake();
      });
  }

  async #appendNow(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
    while (!this.#stopped) {
      const end = this.#written.endFrom(this.#appended);
      if (end === this.#appended) return;
      const length = await this.#readWritten(buffer, this.#appended, end);
      await this.#parts.medium.append(buffer.subarray(0, length));
      this.#appended += length;
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #closeWhenUnread(): void {
    if (this.#closed || this.#readers > 0 || !this.#over) return;
    this.#closed = true;
    this.#recent.clear();
    // Only a descriptor: whatever its end says can hurt nobody.
    this.#parts.medium.close().catch(() => {});
  }
}
