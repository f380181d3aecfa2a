import { randomUUID } from 'node:crypto';
import { readSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageFullError } from '../../storage/storage-errors.ts';
import { clip, lengthOf } from './chunks.ts';

/** Local room for fills to a storage whose uploads cannot be read as they grow. */
export interface SpoolOptions {
  readonly directory: string;
  /** Bytes for all fills together. */
  readonly maxSize: number;
}

/** A file without a name, of a size that was set aside. */
export interface SpoolFile {
  /** @throws StorageFullError, or what else the system says */
  write(chunks: readonly Buffer[], offset: number): Promise<void>;
  read(into: Uint8Array, offset: number): Promise<number>;
  readNow(into: Uint8Array, offset: number): number;
  close(): Promise<void>;
}

/** Hands out files whose sizes together stay within the room there is. */
export class Spool {
  readonly #options: SpoolOptions;
  #used = 0;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /** @throws Node's error where no file can be made in the directory */
  static async try(directory: string): Promise<void> {
    await (await openNameless(directory)).close();
  }

  /**
   * @param size bytes the file may grow to
   * @returns undefined where there is no room, or the directory cannot be written
   */
  async take(size: number): Promise<SpoolFile | undefined> {
    if (this.#used + size > this.#options.maxSize) return undefined;
    this.#used += size;
    try {
      const file = await openNameless(this.#options.directory);
      return this.#file(file, size);
    } catch (error) {
      this.#used -= size;
      if (error instanceof Error && 'code' in error) return undefined;
      throw error;
    }
  }

  #file(file: FileHandle, size: number): SpoolFile {
    let open = true;
    return {
      write: async (chunks, offset) => {
        let done = 0;
        try {
          const to = lengthOf(chunks);
          while (done < to) {
            const rest = clip(chunks, { at: 0, from: done, to });
            done += (await file.writev(rest, offset + done)).bytesWritten;
          }
        } catch (error) {
          throw isFull(error)
            ? new StorageFullError('no room is left for the spool', { cause: error })
            : error;
        }
      },
      read: async (into, offset) => (await file.read(into, 0, into.length, offset)).bytesRead,
      readNow: (into, offset) => readSync(file.fd, into, 0, into.byteLength, offset),
      close: async () => {
        if (!open) return;
        open = false;
        this.#used -= size;
        await file.close();
      },
    };
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

/** It goes with the process, however that ends. */
async function openNameless(directory: string): Promise<FileHandle> {
  const path = join(directory, `fairlead-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}
