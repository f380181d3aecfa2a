import { rangeLength } from '../../oci/byte-range.ts';
import type { Key, ObjectReader, ReadOptions, StorageDriver } from '../driver.ts';
import { KeyNotFoundError } from '../storage-errors.ts';
import { type MemoryObject, MemoryTree } from './memory-tree.ts';
import { createMemoryUploads } from './memory-uploads.ts';

export interface InMemoryOptions {
  /** What is kept. Default: a new one, empty, which nobody else sees. */
  readonly tree?: MemoryTree;
}

/** Keeps everything in memory, as distribution's `storage.inmemory` does: for trying out and for tests. */
export function createInMemoryDriver(options: InMemoryOptions = {}): StorageDriver {
  const tree = options.tree ?? new MemoryTree();
  return {
    name: 'inmemory',
    freshness: { links: 1000, tags: 1000 },
    uploads: createMemoryUploads(tree),
    async stat(key, signal) {
      signal?.throwIfAborted();
      const { content, modifiedAt } = existing(tree, key);
      return { size: content.byteLength, modifiedAt };
    },
    async read(key, { range, signal }: ReadOptions = {}) {
      signal?.throwIfAborted();
      return readerOf(existing(tree, key), { range, signal });
    },
    async write(key, content) {
      tree.putObject(key, { content: Uint8Array.from(content), modifiedAt: new Date() });
    },
    async list(folder, options = {}) {
      options.signal?.throwIfAborted();
      return tree.list(folder, options);
    },
    async delete(key) {
      tree.deleteObject(key);
    },
    async deleteFolder(folder) {
      tree.deleteFolder(folder);
    },
    async close() {},
  };
}

function existing(tree: MemoryTree, key: Key): MemoryObject {
  const object = tree.object(key);
  if (object === undefined) throw new KeyNotFoundError(key);
  return object;
}

type ReadPart = { readonly [K in keyof ReadOptions]: ReadOptions[K] | undefined };

function readerOf({ content }: MemoryObject, { range, signal }: ReadPart): ObjectReader {
  if (range !== undefined && range.end >= content.byteLength) {
    throw new RangeError(`bytes ${range.start}-${range.end} of an object of ${content.byteLength}`);
  }
  const part =
    range === undefined ? content : content.subarray(range.start, range.start + rangeLength(range));
  return {
    size: content.byteLength,
    async *chunks() {
      signal?.throwIfAborted();
      if (part.byteLength > 0) yield part;
    },
    async close() {},
  };
}
