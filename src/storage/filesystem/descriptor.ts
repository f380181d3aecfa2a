import {
  close,
  closeSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncate,
  open,
  read,
  type Stats,
  write,
  writev,
} from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf } from './errors.ts';

/*
 * Files by their descriptor. A FileHandle of node:fs/promises costs noticeably more for each call, and small
 * objects are most of what is read and written.
 */

export function openFile(path: string, flags: string | number, mode = 0o666): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, mode, (error, fd) => {
      if (error === null) resolve(fd);
      else reject(error);
    });
  });
}

export const syncData: (fd: number) => Promise<void> = promisify(fdatasync);
export const syncAll: (fd: number) => Promise<void> = promisify(fsync);
export const truncateTo: (fd: number, size: number) => Promise<void> = promisify(ftruncate);

/**
 * At once: what was just opened is known to the system, and a trip through the thread pool costs many times
 * the call.
 */
export function statOpened(fd: number): Stats {
  return fstatSync(fd);
}

/**
 * Closes without waiting. Errors that matter were told by fsync before; what is left (a descriptor of a file
 * that was only read, or is thrown away) cannot fail in a way that anybody could act on.
 */
export function closeQuietly(fd: number): void {
  close(fd, () => {});
}

/** Closes at once what nothing is left to do for: a folder, or a small file that was only read or is on disk. */
export function closeSynced(fd: number): void {
  try {
    closeSync(fd);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}

/** @returns bytes read, 0 at the end of the file */
export function readAt(fd: number, target: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, target, 0, target.byteLength, position, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

/** Writes all of `content`, in as many calls as the system wants. */
export async function writeAt(fd: number, content: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < content.byteLength; ) {
    done += await writeSome(fd, content.subarray(done), position + done);
  }
}

/** Writes the chunks one behind the other, in as many calls as the system wants. */
export async function writeChunksAt(
  fd: number,
  chunks: readonly Uint8Array[],
  position: number,
): Promise<void> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  if (length === 0) return;
  const done = await writeVector(fd, chunks, position);
  // Rare: a disk that has just become full says so with the next call.
  if (done < length) await writeAt(fd, Buffer.concat(chunks).subarray(done), position + done);
}

function writeVector(fd: number, chunks: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(fd, chunks, position, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

function writeSome(fd: number, content: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, content, 0, content.byteLength, position, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}
