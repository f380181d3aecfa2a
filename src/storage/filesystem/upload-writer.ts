import { readSync } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Key, RandomAccessUpload, UploadView } from '../driver.ts';
import {
  closeQuietly,
  openFile,
  readAt,
  syncData,
  truncateTo,
  writeAt,
  writeChunksAt,
} from './descriptor.ts';
import { errnoOf, storageError } from './errors.ts';
import { fileChunks } from './file-chunks.ts';
import type { Folders } from './folders.ts';
import type { ReadBuffers } from './read-buffers.ts';
import { removeTree } from './remove.ts';
import type { StorageRoot } from './root.ts';
import type { UploadHold } from './upload-hold.ts';
import type { WriteBack } from './write-back.ts';

export interface UploadWriterParts {
  readonly hold: UploadHold;
  /** Bytes that are there already. */
  readonly size: number;
  readonly root: StorageRoot;
  readonly folders: Folders;
  readonly buffers: ReadBuffers;
  readonly writeBack: WriteBack;
  /** Called once, when the writer has let go of the upload. */
  readonly ended: () => void;
}

/** Appends to a file that bears the holder's name; the commit is the rename of that file. */
export class FileUploadWriter implements RandomAccessUpload {
  readonly #parts: UploadWriterParts;
  readonly #hold: UploadHold;
  #size: number;
  /** Appended since the last write-back was begun. */
  #unsynced = 0;
  /** Whether more may lie in the file than was acknowledged. */
  #torn = false;
  #appending: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(parts: UploadWriterParts) {
    this.#parts = parts;
    this.#hold = parts.hold;
    this.#size = parts.size;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether the upload is this writer's for certain; else the storage tells how long it is. */
  get sure(): boolean {
    return this.#hold.sure;
  }

  append(chunk: Uint8Array): Promise<void> {
    const appending = this.#append(chunk);
    this.#appending = appending.catch(() => {});
    return appending;
  }

  writeAt(chunks: readonly Uint8Array[], offset: number): Promise<void> {
    const writing = this.#writeAt(chunks, offset);
    this.#appending = Promise.allSettled([this.#appending, writing]).then(() => {});
    return writing;
  }

  async openView(): Promise<UploadView> {
    this.#hold.mustBeHeld();
    const fd = await openFile(this.#hold.path, 'r').catch(async (error: unknown) => {
      throw await this.#hold.explain(error);
    });
    return {
      read: (into, offset) =>
        readAt(fd, into, offset).catch((error: unknown) => {
          throw storageError(error);
        }),
      readNow: (into, offset) => {
        try {
          return readSync(fd, into, 0, into.byteLength, offset);
        } catch (error) {
          throw storageError(error);
        }
      },
      close: async () => closeQuietly(fd),
    };
  }

  async *content(): AsyncIterable<Uint8Array> {
    this.#hold.mustBeHeld();
    // A descriptor of its own: the writer may be closed, when the server ends, while this is read.
    const fd = await openFile(this.#hold.path, 'r').catch(async (error: unknown) => {
      throw await this.#hold.explain(error);
    });
    try {
      yield* fileChunks({ fd, start: 0, length: this.#size }, this.#parts.buffers);
    } finally {
      closeQuietly(fd);
    }
  }

  async commit(key: Key): Promise<void> {
    this.#hold.mustBeHeld();
    const { root, folders } = this.#parts;
    const target = root.path(key);
    const folder = dirname(target);
    try {
      await this.#syncContent();
      await folders.within(folder, () => this.#moveTo(target));
    } catch (error) {
      throw storageError(error);
    }
    this.#end();
    const [synced] = await Promise.allSettled([folders.sync(folder), removeTree(this.#hold.folder)]);
    // What is left of the upload's folder is litter for the reaper; the object is what was promised.
    if (synced.status === 'rejected') throw storageError(synced.reason);
  }

  async drop(): Promise<void> {
    this.#hold.mustBeHeld();
    await this.#appending;
    try {
      await unlink(this.#hold.path);
    } catch (error) {
      throw await this.#hold.explain(error);
    }
    await this.#parts.writeBack.settled(this.#hold.fd).catch(() => {});
    this.#end();
    try {
      await removeTree(this.#hold.folder);
    } catch (error) {
      throw storageError(error);
    }
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#appending;
    // What cannot be put right here is found by whoever opens the upload next: too long, it fails its digest.
    await this.#settle().catch(() => {});
    await this.#hold.giveBack();
    this.#parts.ended();
  }

  async #append(chunk: Uint8Array): Promise<void> {
    this.#hold.mustBeHeld();
    try {
      if (this.#torn) await this.#mend();
      this.#torn = true;
      await writeAt(this.#hold.fd, chunk, this.#size);
    } catch (error) {
      await this.#mend().catch(() => {});
      throw storageError(error);
    }
    await this.#hold.mustStillBeHeld();
    this.#torn = false;
    this.#size += chunk.byteLength;
    this.#unsynced += chunk.byteLength;
    if (this.#parts.writeBack.begin(this.#hold.fd, this.#unsynced)) this.#unsynced = 0;
  }

  async #writeAt(chunks: readonly Uint8Array[], offset: number): Promise<void> {
    this.#hold.mustBeHeld();
    try {
      await writeChunksAt(this.#hold.fd, chunks, offset);
    } catch (error) {
      throw storageError(error);
    }
    await this.#hold.mustStillBeHeld();
    const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    this.#size = Math.max(this.#size, offset + length);
    this.#unsynced += length;
    if (this.#parts.writeBack.begin(this.#hold.fd, this.#unsynced)) this.#unsynced = 0;
  }

  /** @throws ENOENT when the target's folder is missing; UploadLostError */
  async #moveTo(target: string): Promise<void> {
    try {
      await rename(this.#hold.path, target);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') await this.#hold.mustBearName();
      throw error;
    }
  }

  async #syncContent(): Promise<void> {
    await this.#settle();
    try {
      await syncData(this.#hold.fd);
    } catch (error) {
      await this.#beginAnew();
      throw error;
    }
  }

  /** Cuts off what an append left that failed, and waits for what is being brought to disk. */
  async #settle(): Promise<void> {
    try {
      await this.#parts.writeBack.settled(this.#hold.fd);
    } catch (error) {
      await this.#beginAnew();
      throw error;
    }
    await this.#mend();
  }

  async #mend(): Promise<void> {
    if (!this.#torn) return;
    await truncateTo(this.#hold.fd, this.#size);
    this.#torn = false;
  }

  /**
   * After an fsync that failed. The system may have thrown away what it could not write, and will not say so
   * again: nothing of the content can be trusted.
   */
  async #beginAnew(): Promise<void> {
    this.#size = 0;
    this.#torn = true;
    await this.#mend();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#hold.release();
    this.#parts.ended();
  }
}
