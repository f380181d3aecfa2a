import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Key } from '../driver.ts';
import { registryFolder } from '../layout.ts';
import { KeyNotFoundError, StorageUnavailableError } from '../storage-errors.ts';
import { errnoOf, storageError } from './errors.ts';
import { makeFolders } from './make-folders.ts';
import { syncFolder } from './sync-folder.ts';

/**
 * The directory that everything lies in. It is made once, at the start. Whether `docker/registry/v2` is in it
 * tells later whether the storage is there at all: a volume that was unmounted leaves an empty directory behind.
 */
export class StorageRoot {
  readonly #directory: string;
  readonly #registry: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.#registry = join(directory, registryFolder);
  }

  /**
   * Makes the directory and the registry's tree in it where they are missing.
   * @throws StorageUnavailableError
   */
  static async open(directory: string): Promise<StorageRoot> {
    const root = new StorageRoot(resolve(directory));
    try {
      const first = await makeFolders(root.#registry);
      if (!(await stat(root.#registry)).isDirectory()) {
        throw new StorageUnavailableError(`${root.#registry} is not a directory`);
      }
      if (first !== undefined) await syncFromTo(dirname(first), root.#registry);
    } catch (error) {
      throw storageError(error);
    }
    return root;
  }

  path(key: Key): string {
    return `${this.#directory}/${key}`;
  }

  /** Whether a path is the registry's folder, or above it: what was there at the start and is never made again. */
  isBase(path: string): boolean {
    return `${this.#registry}/`.startsWith(`${path}/`);
  }

  /** Whether a path lies in the registry's folder, so that it cannot be there, or be made, without it. */
  isInside(path: string): boolean {
    return path.startsWith(`${this.#registry}/`);
  }

  /**
   * Called when a path led nowhere.
   * @throws StorageUnavailableError when that is because the storage went away
   */
  async mustBeThere(): Promise<void> {
    let found: boolean;
    try {
      found = (await stat(this.#registry)).isDirectory();
    } catch (error) {
      const code = errnoOf(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw storageError(error);
      found = false;
    }
    if (found) return;
    throw new StorageUnavailableError(`${this.#registry} is not there: the storage went away while in use`);
  }

  /** The error for a key that has no object: KeyNotFoundError, when the storage is there. */
  async notFound(key: Key, cause: unknown): Promise<unknown> {
    try {
      await this.mustBeThere();
    } catch (error) {
      return error;
    }
    return new KeyNotFoundError(key, { cause });
  }
}

/** Brings the names of all folders on the way from one down to another to disk. */
async function syncFromTo(top: string, bottom: string): Promise<void> {
  for (let folder = bottom; folder !== top; folder = dirname(folder)) await syncFolder(dirname(folder));
}
