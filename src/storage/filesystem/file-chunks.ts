import { StorageUnavailableError } from '../storage-errors.ts';
import { readAt } from './descriptor.ts';
import { storageError } from './errors.ts';
import type { ReadBuffers } from './read-buffers.ts';

export interface FilePart {
  readonly fd: number;
  /** First byte. */
  readonly start: number;
  /** Bytes; the file has them all. */
  readonly length: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A part of an open file, through two buffers: while the consumer has one, the other is being filled. A chunk is
 * valid until the next one is asked for. The descriptor stays open.
 * @throws StorageUnavailableError
 */
export async function* fileChunks(part: FilePart, buffers: ReadBuffers): AsyncGenerator<Uint8Array, void> {
  const { fd, length, signal } = part;
  const size = buffers.enter();
  const pair = [buffers.take(size)];
  if (length > size) pair.push(buffers.take(size));
  let asked = 0;
  const readNext = (turn: number): Promise<Uint8Array> | undefined => {
    const buffer = pair[turn % pair.length];
    if (buffer === undefined || asked === length) return undefined;
    const target = buffer.subarray(0, Math.min(size, length - asked));
    const read = readFully(fd, target, part.start + asked);
    asked += target.byteLength;
    // Who stops in the middle never looks at it.
    read.catch(() => {});
    return read;
  };
  let pending = readNext(0);
  try {
    for (let turn = 1; pending !== undefined; turn++) {
      signal?.throwIfAborted();
      const chunk = await pending;
      pending = readNext(turn);
      yield chunk;
    }
  } finally {
    // The system writes into the buffer until the read has ended.
    await Promise.allSettled([pending]);
    for (const buffer of pair) buffers.give(buffer);
    buffers.leave();
  }
}

/** Fills the target. @throws StorageUnavailableError, also when the file ends before */
export async function readFully(fd: number, target: Uint8Array, position: number): Promise<Uint8Array> {
  try {
    for (let done = 0; done < target.byteLength; ) {
      const count = await readAt(fd, target.subarray(done), position + done);
      if (count === 0) throw new StorageUnavailableError('an object ended before its size');
      done += count;
    }
  } catch (error) {
    throw storageError(error);
  }
  return target;
}
