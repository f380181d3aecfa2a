import type { Key, ObjectReader, ReadOptions } from '../driver.ts';
import { closeQuietly, closeSynced, openFile, statOpened } from './descriptor.ts';
import { isMissing, storageError } from './errors.ts';
import { fileChunks, readFully } from './file-chunks.ts';
import type { ReadBuffers } from './read-buffers.ts';
import type { StorageRoot } from './root.ts';

/** Up to this many bytes are read as the object is opened, and keep no file open. */
const SMALL = 64 * 1024;

/** @throws KeyNotFoundError, StorageUnavailableError, RangeError when the range leaves the object */
export async function readObject(
  key: Key,
  options: ReadOptions,
  { root, buffers }: { readonly root: StorageRoot; readonly buffers: ReadBuffers },
): Promise<ObjectReader> {
  options.signal?.throwIfAborted();
  let fd: number;
  try {
    fd = await openFile(root.path(key), 'r');
  } catch (error) {
    throw isMissing(error) ? await root.notFound(key, error) : storageError(error);
  }
  let keep = false;
  try {
    const stats = statOpened(fd);
    if (!stats.isFile()) throw await root.notFound(key, new Error('a folder, not an object'));
    const { start, length } = partOf(stats.size, options.range);
    if (length <= SMALL) {
      return smallReader(stats.size, await readFully(fd, Buffer.allocUnsafe(length), start));
    }
    keep = true;
    return largeReader(stats.size, { fd, start, length, signal: options.signal }, buffers);
  } catch (error) {
    throw storageError(error);
  } finally {
    if (!keep) closeSynced(fd);
  }
}

function partOf(size: number, range: ReadOptions['range']): { start: number; length: number } {
  if (range === undefined) return { start: 0, length: size };
  if (range.end >= size) throw new RangeError(`bytes ${range.start}-${range.end} of an object of ${size}`);
  return { start: range.start, length: range.end - range.start + 1 };
}

function smallReader(size: number, content: Uint8Array): ObjectReader {
  return {
    size,
    async *chunks() {
      if (content.byteLength > 0) yield content;
    },
    async close() {},
  };
}

function largeReader(
  size: number,
  part: Parameters<typeof fileChunks>[0],
  buffers: ReadBuffers,
): ObjectReader {
  let state: 'open' | 'read' | 'closed' = 'open';
  return {
    size,
    async *chunks() {
      if (state !== 'open') return;
      state = 'read';
      try {
        yield* fileChunks(part, buffers);
      } finally {
        state = 'closed';
        closeQuietly(part.fd);
      }
    },
    async close() {
      if (state !== 'open') return;
      state = 'closed';
      closeQuietly(part.fd);
    },
  };
}
