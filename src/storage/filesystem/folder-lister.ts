import type { BigIntStats, Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import type { FolderEntry, FolderPage, Key, ListOptions } from '../driver.ts';
import { pageOf } from '../folder-page.ts';
import { isMissing, storageError } from './errors.ts';
import { TEMPORARY } from './object-writer.ts';
import type { StorageRoot } from './root.ts';
import { SharedRuns } from './shared-runs.ts';

/** Names that are remembered over all folders; about 100 bytes each. */
const REMEMBERED_NAMES = 250_000;
/** A folder that changed less long ago may change again without its modification time showing it. */
const SETTLED_NS = 2_000_000_000n;

interface Names {
  readonly entries: readonly FolderEntry[];
  readonly version: string;
}

/** Lists folders; their names are read again when the folder's modification time has changed. */
export class FolderLister {
  readonly #root: StorageRoot;
  readonly #now: () => number;
  readonly #remembered = new LRUCache<string, Names>({
    maxSize: REMEMBERED_NAMES,
    sizeCalculation: ({ entries }) => entries.length + 1,
  });
  readonly #readings = new SharedRuns<readonly FolderEntry[]>((path) => this.#read(path));

  /** @param now milliseconds since 1970, by the clock that folders' modification times are of */
  constructor(root: StorageRoot, now: () => number) {
    this.#root = root;
    this.#now = now;
  }

  /** @throws StorageUnavailableError */
  async list(folder: Key, options: ListOptions): Promise<FolderPage> {
    options.signal?.throwIfAborted();
    const path = this.#root.path(folder);
    try {
      const remembered = this.#remembered.get(path);
      if (remembered !== undefined && remembered.version === versionOf(await statFolder(path))) {
        return pageOf(remembered.entries, options);
      }
      return pageOf(await this.#readings.run(path), options);
    } catch (error) {
      if (!isMissing(error)) throw storageError(error);
      await this.#root.mustBeThere();
      this.#remembered.delete(path);
      return { entries: [], more: false };
    }
  }

  async #read(path: string): Promise<readonly FolderEntry[]> {
    const before = await statFolder(path);
    const settled = BigInt(this.#now()) * 1_000_000n - before.mtimeNs > SETTLED_NS;
    const entries = await readEntries(path);
    if (settled) this.#remembered.set(path, { entries, version: versionOf(before) });
    return entries;
  }
}

function statFolder(path: string): Promise<BigIntStats> {
  return stat(path, { bigint: true });
}

function versionOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.mtimeNs}`;
}

async function readEntries(path: string): Promise<readonly FolderEntry[]> {
  const entries: FolderEntry[] = [];
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const kind = entry.isSymbolicLink() ? await kindBehind(`${path}/${entry.name}`) : kindOf(entry);
    if (kind === 'folder' || (kind === 'object' && !entry.name.endsWith(TEMPORARY))) {
      entries.push({ name: entry.name, kind });
    }
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function kindOf(entry: Pick<Dirent, 'isDirectory' | 'isFile'>): FolderEntry['kind'] | undefined {
  if (entry.isDirectory()) return 'folder';
  return entry.isFile() ? 'object' : undefined;
}

async function kindBehind(path: string): Promise<FolderEntry['kind'] | undefined> {
  try {
    return kindOf(await stat(path));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
