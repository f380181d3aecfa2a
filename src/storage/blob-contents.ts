import { LRUCache } from 'lru-cache';
import type { ByteRange } from '../oci/byte-range.ts';
import { type Digest, digestAlgorithm, digestOf } from '../oci/digest.ts';
import { readContent } from './content.ts';
import type { ObjectReader, StorageDriver } from './driver.ts';
import { entryCache } from './entry-cache.ts';
import { blobDataKey } from './layout.ts';
import { DamagedContentError, KeyNotFoundError } from './storage-errors.ts';

/** Bytes of content kept in memory in all, and at most of one blob. */
const MEMORY_LIMIT = 24 * 1024 * 1024;
const SMALL = 256 * 1024;

/** Sizes remembered; about 150 bytes each. */
const REMEMBERED_SIZES = 50_000;

/** Blobs put in place a moment ago, and the milliseconds that a moment is at most: most manifests come within it. */
const REMEMBERED_PLACES = 10_000;
const MOMENT = 10_000;

/**
 * The bytes of blobs and manifests by digest alone: who may have them is decided by the links of a repository.
 * Content never changes, so what was read once may be answered from memory.
 */
export class BlobContents {
  readonly #driver: StorageDriver;
  readonly #now: () => number;
  readonly #sizes = entryCache<Digest, number>(REMEMBERED_SIZES);
  readonly #placedAt = entryCache<Digest, number>(REMEMBERED_PLACES);
  readonly #small = new LRUCache<Digest, Buffer>({
    maxSize: MEMORY_LIMIT,
    sizeCalculation: (content) => content.length + 512,
  });

  /** @param options `now`: milliseconds that only go forward */
  constructor(driver: StorageDriver, { now }: { readonly now: () => number }) {
    this.#driver = driver;
    this.#now = now;
  }

  /**
   * Bytes.
   * @throws KeyNotFoundError when the data is not here
   */
  async size(digest: Digest): Promise<number> {
    return this.#sizes.get(digest) ?? this.sizeInStorage(digest);
  }

  /** As `size`, past every memory. */
  async sizeInStorage(digest: Digest): Promise<number> {
    const { size } = await this.#orForget(digest, this.#driver.stat(blobDataKey(digest)));
    this.#sizes.set(digest, size);
    return size;
  }

  /**
   * @param size as `size` told it
   * @returns the content when it is small enough to be kept in memory
   * @throws KeyNotFoundError, DamagedContentError
   */
  async small(digest: Digest, size: number): Promise<Buffer | undefined> {
    const known = this.#small.get(digest);
    if (known !== undefined || size > SMALL) return known;
    return this.whole(digest, SMALL);
  }

  /**
   * Content that has its digest.
   * @param limit bytes
   * @throws KeyNotFoundError, DamagedContentError
   */
  async whole(digest: Digest, limit: number): Promise<Buffer> {
    return this.#small.get(digest) ?? this.wholeInStorage(digest, limit);
  }

  /** As `whole`, past every memory. */
  async wholeInStorage(digest: Digest, limit: number): Promise<Buffer> {
    const content = await this.#orForget(digest, this.#read(digest, limit));
    if (digestOf(content, digestAlgorithm(digest)) !== digest) throw new DamagedContentError(digest);
    this.remember(digest, content);
    return content;
  }

  /** @throws KeyNotFoundError */
  open(
    digest: Digest,
    options: { readonly range?: ByteRange; readonly signal?: AbortSignal },
  ): Promise<ObjectReader> {
    return this.#orForget(digest, this.#driver.read(blobDataKey(digest), options));
  }

  /** Takes note of content that was just written, or read. */
  remember(digest: Digest, content: Buffer): void {
    this.rememberSize(digest, content.length);
    if (content.length <= SMALL) this.#small.set(digest, withOwnMemory(content));
  }

  rememberSize(digest: Digest, size: number): void {
    this.#sizes.set(digest, size);
  }

  /** Takes note that the data of a blob has just been put in place. */
  placed(digest: Digest, size: number): void {
    this.forget(digest);
    this.rememberSize(digest, size);
    if (this.#driver.capabilities?.cheapWrites === true) this.#placedAt.set(digest, this.#now());
  }

  /**
   * Whether the data was put in place a moment ago, so that it need not be looked for, where looking costs a request.
   * @param within milliseconds for which what was put in place stays
   */
  isJustPlaced(digest: Digest, within: number): boolean {
    const placedAt = this.#placedAt.get(digest);
    return placedAt !== undefined && this.#now() - placedAt < Math.min(MOMENT, within);
  }

  forget(digest: Digest): void {
    this.#sizes.delete(digest);
    this.#small.delete(digest);
    this.#placedAt.delete(digest);
  }

  async #read(digest: Digest, limit: number): Promise<Buffer> {
    try {
      return await readContent(this.#driver, blobDataKey(digest), { limit });
    } catch (error) {
      if (error instanceof RangeError) throw new DamagedContentError(digest, { cause: error });
      throw error;
    }
  }

  async #orForget<Result>(digest: Digest, work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof KeyNotFoundError) this.forget(digest);
      throw error;
    }
  }
}

/** A view into a larger buffer would keep all of that alive. */
function withOwnMemory(content: Buffer): Buffer {
  if (content.buffer.byteLength === content.length) return content;
  const copy = Buffer.allocUnsafeSlow(content.length);
  content.copy(copy);
  return copy;
}
