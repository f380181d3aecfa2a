import { type Digest, isDigest } from '../oci/digest.ts';
import { readContent } from './content.ts';
import type { Key, StorageDriver } from './driver.ts';
import { entryCache } from './entry-cache.ts';
import { repositoryOf } from './layout.ts';
import { KeyNotFoundError } from './storage-errors.ts';
import type { StorageLog } from './storage-log.ts';

/** Bytes; the longest link is a sha512 digest. More is no link. */
const LINK_LIMIT = 1024;

/** Links remembered; about 200 bytes each. */
const REMEMBERED_LINKS = 50_000;

export interface LinkStoreOptions {
  readonly log: StorageLog;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
}

interface Remembered {
  readonly digest: Digest;
  readonly readAt: number;
}

/**
 * The objects that hold a digest and nothing else. What was found is answered from memory for as long as the
 * driver's freshness allows; what was not found is asked again each time.
 */
export class LinkStore {
  readonly #driver: StorageDriver;
  readonly #log: StorageLog;
  readonly #now: () => number;
  readonly #remembered = entryCache<Key, Remembered>(REMEMBERED_LINKS);
  /** Links being written, or whose write failed: what the storage shows of them may not be durable. */
  readonly #unsure = entryCache<Key, true>(REMEMBERED_LINKS);
  /** Counts changes made here: a read that overlapped one is not remembered. */
  #changes = 0;

  constructor(driver: StorageDriver, options: LinkStoreOptions) {
    this.#driver = driver;
    this.#log = options.log;
    this.#now = options.now;
  }

  /** What the link leads to; undefined when there is none, or only what a crash left of one. */
  async read(key: Key, kind: 'links' | 'tags'): Promise<Digest | undefined> {
    const freshness = this.#driver.freshness[kind];
    const known = this.#remembered.get(key);
    if (known !== undefined && this.#now() - known.readAt < freshness) return known.digest;
    return this.readInStorage(key);
  }

  /** As `read`, past every memory. */
  async readInStorage(key: Key): Promise<Digest | undefined> {
    const changes = this.#changes;
    const readAt = this.#now();
    const digest = await this.#readFromStorage(key);
    if (changes === this.#changes) {
      if (digest === undefined) this.#remembered.delete(key);
      else this.#remembered.set(key, { digest, readAt });
    }
    return digest;
  }

  /** As `write`, but leaves a link alone that the storage has for sure, where that saves anything. */
  async ensure(key: Key, digest: Digest): Promise<void> {
    if (this.#driver.capabilities?.cheapWrites === true) await this.write(key, digest);
    else if (!this.#unsure.has(key) && (await this.#readFromStorage(key)) === digest)
      this.#remembered.set(key, { digest, readAt: this.#now() });
    else await this.write(key, digest);
  }

  /** Durable when it resolves. When it fails, the old content or the new may be there. */
  async write(key: Key, digest: Digest): Promise<void> {
    this.#unsure.set(key, true);
    try {
      await this.#driver.write(key, Buffer.from(digest));
      this.#unsure.delete(key);
    } catch (error) {
      this.#forget(key);
      throw error;
    }
    this.#changes += 1;
    this.#remembered.set(key, { digest, readAt: this.#now() });
  }

  async delete(key: Key): Promise<void> {
    this.#forget(key);
    await this.#driver.delete(key);
    this.#forget(key);
  }

  /** Deletes a folder with the link at `key` and what else is in it. */
  async deleteFolder(folder: Key, key: Key): Promise<void> {
    this.#forget(key);
    await this.#driver.deleteFolder(folder);
    this.#forget(key);
  }

  #forget(key: Key): void {
    this.#changes += 1;
    this.#remembered.delete(key);
  }

  async #readFromStorage(key: Key): Promise<Digest | undefined> {
    let text: string;
    try {
      text = (await readContent(this.#driver, key, { limit: LINK_LIMIT })).toString('latin1').trim();
    } catch (error) {
      if (error instanceof KeyNotFoundError) return undefined;
      if (!(error instanceof RangeError)) throw error;
      text = '';
    }
    if (isDigest(text)) return text;
    this.#log.warn(
      { repository: repositoryOf(key), file: key },
      'a link holds no digest and is taken for missing',
    );
    return undefined;
  }
}
