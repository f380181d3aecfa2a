import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LRUCache } from 'lru-cache';
import { errnoOf } from './errors.ts';
import type { StorageRoot } from './root.ts';
import { SharedRuns } from './shared-runs.ts';
import { syncFolder } from './sync-folder.ts';

/** How many folders are remembered to be on disk. About 200 bytes each. */
const REMEMBERED = 20_000;

/** Folders on disk: made when needed, and durable when what lies in them is to be. Paths are absolute. */
export class Folders {
  readonly #root: StorageRoot;
  /** Folders that were seen here, and whether their entry in their parent is known to be on disk. */
  readonly #known = new LRUCache<string, 'made' | 'durable'>({ max: REMEMBERED });
  /** One fsync that begins after several renames serves them all. */
  readonly #syncs = new SharedRuns<void>(syncFolder);

  constructor(root: StorageRoot) {
    this.#root = root;
  }

  /**
   * Makes a folder and those above it, down from what was there at the start. They need not be on disk yet.
   * @throws StorageUnavailableError when the storage went away; errors of the operating system
   */
  async make(path: string): Promise<void> {
    if (this.#root.isBase(path)) return this.#root.mustBeThere();
    if (!this.#root.isInside(path)) await this.#root.mustBeThere();
    try {
      await this.#makeLast(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      await this.make(dirname(path));
      await this.#makeLast(path);
    }
  }

  /**
   * Runs `work`, which makes a file in the folder, and makes the folder when it is missing: also when that only
   * shows now, since somebody deleted it. A folder that is not known is most likely new, as a digest's is.
   */
  async within<T>(path: string, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        if (!this.#known.has(path)) await this.make(path);
        return await work();
      } catch (error) {
        // Who deletes and who writes may meet a few times, not for ever.
        if (errnoOf(error) !== 'ENOENT' || attempt === 10) throw error;
        this.#forget(path);
      }
    }
  }

  /** Brings a folder's names to disk, and its own name, and those of the folders above it. */
  async sync(path: string): Promise<void> {
    const unsure: string[] = [];
    for (
      let folder = path;
      !this.#root.isBase(folder) && this.#known.get(folder) !== 'durable';
      folder = dirname(folder)
    ) {
      unsure.push(folder);
    }
    await Promise.all([this.syncNames(path), ...unsure.map((folder) => this.syncNames(dirname(folder)))]);
    for (const folder of unsure) this.#known.set(folder, 'durable');
  }

  /** Brings a folder's names to disk: what was made, renamed or deleted in it before the call. */
  syncNames(path: string): Promise<void> {
    return this.#syncs.run(path);
  }

  async #makeLast(path: string): Promise<void> {
    try {
      await mkdir(path);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    if (!this.#known.has(path)) this.#known.set(path, 'made');
  }

  #forget(path: string): void {
    for (let folder = path; !this.#root.isBase(folder); folder = dirname(folder)) this.#known.delete(folder);
  }
}
