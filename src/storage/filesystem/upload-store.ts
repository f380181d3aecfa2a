import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CreateUploadOptions, Key, OpenUploadOptions, UploadStore, UploadWriter } from '../driver.ts';
import { OwnWriters } from '../own-writers.ts';
import { UploadBusyError } from '../storage-errors.ts';
import { openFile, statOpened } from './descriptor.ts';
import { isMissing, storageError } from './errors.ts';
import type { Folders } from './folders.ts';
import { Heartbeats, type HeartbeatTimes, type Repeat } from './heartbeats.ts';
import type { ReadBuffers } from './read-buffers.ts';
import { removeFile } from './remove.ts';
import type { StorageRoot } from './root.ts';
import { goOnInCopy, renameIfThere, watchHolder } from './takeover.ts';
import { copyFileOf, dataFiles, freeFile, heldFile } from './upload-files.ts';
import { type HoldContext, UploadHold } from './upload-hold.ts';
import { FileUploadWriter } from './upload-writer.ts';
import { WriteBack } from './write-back.ts';

export interface UploadStoreParts {
  readonly root: StorageRoot;
  readonly folders: Folders;
  readonly buffers: ReadBuffers;
  readonly times: HeartbeatTimes;
  readonly repeat: Repeat;
  /** Gives holders their names. */
  readonly uniqueName: () => string;
}

/** Tries to begin an upload beside others, and the milliseconds between them, which grow. */
const BEGIN_ATTEMPTS = 5;
const BEGIN_PAUSE = 10;

/** Uploads as folders; `upload-files.ts` tells how a folder has one writer, whichever process it comes through. */
export class FileUploadStore implements UploadStore {
  readonly #parts: UploadStoreParts;
  readonly #holding: HoldContext;
  readonly #writeBack = new WriteBack();
  /** By the path of the folder. */
  readonly #own = new OwnWriters<FileUploadWriter>();

  constructor(parts: UploadStoreParts) {
    this.#parts = parts;
    this.#holding = {
      root: parts.root,
      heartbeats: new Heartbeats(parts.repeat, parts.times.beatEvery),
      trustFor: parts.times.watchFor / 2,
    };
  }

  create(folder: Key, { unshared = false }: CreateUploadOptions = {}): Promise<UploadWriter> {
    const path = this.#parts.root.path(folder);
    return this.#enter(path, async () => {
      for (let attempt = 1; ; attempt++) {
        const writer = await this.#begin(path, unshared);
        if (writer !== undefined) return writer;
        // Several that begin at once may all have given way. After pauses of different lengths one is first.
        await sleep(Math.random() * BEGIN_PAUSE * attempt);
        if (attempt === BEGIN_ATTEMPTS || (await isBegun(path))) throw new UploadBusyError();
      }
    });
  }

  open(folder: Key, { signal }: OpenUploadOptions = {}): Promise<UploadWriter> {
    signal?.throwIfAborted();
    const path = this.#parts.root.path(folder);
    return this.#enter(path, async () => {
      const free = freeFile(path);
      const file = heldFile(path, this.#parts.uniqueName());
      if (await renameIfThere(free, file)) return this.#resume(await this.#hold(path, file));
      const [other] = await this.#existing(folder, path);
      if (other === free) throw new UploadBusyError();
      const watched = await watchHolder(other, { times: this.#parts.times, signal });
      if (watched === undefined || !(await renameIfThere(other, file))) {
        await this.#existing(folder, path);
        throw new UploadBusyError();
      }
      const hold = await this.#hold(path, file);
      try {
        const copy = copyFileOf(path, this.#parts.uniqueName());
        await goOnInCopy(hold, { copy, watched, trustFor: this.#holding.trustFor });
      } catch (error) {
        // Its name stays: the holder before may be awake, so the file must not be taken for a free one.
        hold.release();
        throw error;
      }
      return this.#resume(hold);
    });
  }

  async size(folder: Key): Promise<number> {
    const path = this.#parts.root.path(folder);
    const writer = this.#own.get(path);
    if (writer?.sure === true) return writer.size;
    try {
      return await this.#sizeOnDisk(folder, path);
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Gives back all that is held, so that another process need not wait. */
  async close(): Promise<void> {
    await this.#own.close();
  }

  async #enter(path: string, take: () => Promise<FileUploadWriter>): Promise<UploadWriter> {
    try {
      return await this.#own.enter(path, take);
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Undefined when somebody else is there, or was seen while both began. */
  async #begin(path: string, unshared: boolean): Promise<FileUploadWriter | undefined> {
    const file = heldFile(path, this.#parts.uniqueName());
    const fd = await this.#parts.folders.within(path, () => openFile(file, 'wx+'));
    const hold = new UploadHold({ folder: path, path: file, fd }, this.#holding);
    // Who finds another's file gives way, and whoever is there first finds none.
    if (unshared || (await dataFiles(path)).length === 1) return this.#writer(hold, 0);
    await removeFile(file);
    hold.release();
    return undefined;
  }

  async #hold(folder: string, path: string): Promise<UploadHold> {
    return new UploadHold({ folder, path, fd: await openFile(path, 'r+') }, this.#holding);
  }

  async #resume(hold: UploadHold): Promise<FileUploadWriter> {
    try {
      return this.#writer(hold, statOpened(hold.fd).size);
    } catch (error) {
      await hold.giveBack();
      throw error;
    }
  }

  #writer(hold: UploadHold, size: number): FileUploadWriter {
    const { root, folders, buffers } = this.#parts;
    const ended = () => this.#own.left(hold.folder);
    return new FileUploadWriter({ hold, size, ended, root, folders, buffers, writeBack: this.#writeBack });
  }

  /** @throws KeyNotFoundError when the folder has no data, StorageUnavailableError */
  async #existing(folder: Key, path: string): Promise<readonly [string, ...string[]]> {
    let cause: unknown;
    try {
      const [first, ...others] = await dataFiles(path);
      if (first !== undefined) return [first, ...others];
    } catch (error) {
      if (!isMissing(error)) throw error;
      cause = error;
    }
    throw await this.#parts.root.notFound(folder, cause);
  }

  async #sizeOnDisk(folder: Key, path: string): Promise<number> {
    let file = freeFile(path);
    // The name changes each time somebody takes the upload or gives it back.
    for (let attempt = 1; ; attempt++) {
      try {
        return (await stat(file)).size;
      } catch (error) {
        if (!isMissing(error) || attempt === 20) throw error;
      }
      [file] = await this.#existing(folder, path);
    }
  }
}

async function isBegun(path: string): Promise<boolean> {
  try {
    return (await dataFiles(path)).length > 0;
  } catch (error) {
    if (!isMissing(error)) throw error;
    // It has even ended.
    return true;
  }
}
