import { rename, stat, utimes } from 'node:fs/promises';
import { UploadLostError } from '../storage-errors.ts';
import { closeQuietly, openFile } from './descriptor.ts';
import { isMissing, storageError } from './errors.ts';
import type { Heart, Heartbeats } from './heartbeats.ts';
import type { StorageRoot } from './root.ts';
import { freeFile } from './upload-files.ts';

export interface HoldContext {
  readonly root: StorageRoot;
  readonly heartbeats: Heartbeats;
  /** Milliseconds after a beat during which nobody can have taken the upload over. */
  readonly trustFor: number;
}

/** A held upload: the file that bears the holder's name, open, and the beats that keep it. */
export class UploadHold implements Heart {
  readonly folder: string;
  readonly path: string;
  readonly #context: HoldContext;
  #fd: number;
  #state: 'held' | 'lost' | 'released' = 'held';
  /** When it was last seen on the storage that the file still bears the name; by the monotonic clock. */
  #seenAt: number;

  /** @param file an open file at `path`, which the hold closes */
  constructor(
    file: { readonly folder: string; readonly path: string; readonly fd: number },
    context: HoldContext,
  ) {
    this.folder = file.folder;
    this.path = file.path;
    this.#fd = file.fd;
    this.#context = context;
    this.#seenAt = performance.now();
    context.heartbeats.add(this);
  }

  get fd(): number {
    return this.#fd;
  }

  /** @throws UploadLostError when it is known that somebody else goes on with the upload */
  mustBeHeld(): void {
    if (this.#state !== 'held') throw new UploadLostError();
  }

  /** Whether nobody can have taken the upload over, as far as is known without a look at the storage. */
  get sure(): boolean {
    return this.#state === 'held' && performance.now() - this.#seenAt < this.#context.trustFor;
  }

  /**
   * Called after something was written, before that is acknowledged: a holder that slept may have been taken
   * over, and who takes over copies only after this would find out.
   * @throws UploadLostError, StorageUnavailableError
   */
  async mustStillBeHeld(): Promise<void> {
    this.mustBeHeld();
    if (!this.sure) await this.mustBearName();
  }

  /** @throws UploadLostError, StorageUnavailableError */
  async mustBearName(): Promise<void> {
    const asked = performance.now();
    try {
      await stat(this.path);
    } catch (error) {
      throw await this.explain(error);
    }
    this.#seenAt = asked;
  }

  async beat(): Promise<void> {
    const begun = performance.now();
    const now = new Date();
    try {
      await utimes(this.path, now, now);
    } catch (error) {
      // An outage proves nothing; the next append, or commit, finds out.
      if (isMissing(error)) await this.explain(error);
      return;
    }
    this.#seenAt = begun;
  }

  /** What an error means that came of the file's name: when that is gone the hold is lost, unless the root is gone. */
  async explain(error: unknown): Promise<unknown> {
    if (!isMissing(error)) return storageError(error);
    try {
      await this.#context.root.mustBeThere();
    } catch (outage) {
      return outage;
    }
    this.#state = 'lost';
    this.#context.heartbeats.remove(this);
    return new UploadLostError();
  }

  /** Puts a copy in the place of the file, which the holder before may still write to. */
  async replaceWith(copy: string): Promise<void> {
    const fd = await openFile(copy, 'r+');
    try {
      await rename(copy, this.path);
    } catch (error) {
      closeQuietly(fd);
      throw error;
    }
    closeQuietly(this.#fd);
    this.#fd = fd;
  }

  /** Ends the beats and closes the file: it has another name now, or its name is of no use. */
  release(): void {
    if (this.#state === 'released') return;
    this.#state = 'released';
    this.#context.heartbeats.remove(this);
    closeQuietly(this.#fd);
  }

  /** Gives the upload back for anybody to take at once. Where that fails it is found by its silence. */
  async giveBack(): Promise<void> {
    try {
      if (this.#state === 'held') await rename(this.path, freeFile(this.folder));
    } catch (error) {
      if (storageError(error) === error) throw error;
    } finally {
      this.release();
    }
  }
}
