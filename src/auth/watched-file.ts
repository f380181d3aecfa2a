import { open } from 'node:fs/promises';
import { isFileError } from './file-error.ts';

/** What a file held when it was looked at last. */
export type FileContent = { readonly kind: 'missing' } | { readonly kind: 'text'; readonly text: string };

/** Milliseconds; a change within the clock's last tick may leave the modification time as it was. */
const CLOCK_TICK = 2000;

/**
 * Reads a small file again when it changed: in place, by rename, or as Kubernetes swaps a mounted secret (a
 * symbolic link further up). Looking costs one `open` and one `fstat`.
 */
export class WatchedFile {
  readonly path: string;
  readonly #now: () => number;
  #seen: string | undefined;

  constructor(path: string, now: () => number) {
    this.path = path;
    this.#now = now;
  }

  /**
   * @returns the content when it may have changed since the last look, else undefined
   * @throws Node's error when the file is there and cannot be read; the next look reads it again
   */
  async look(): Promise<FileContent | undefined> {
    let handle: Awaited<ReturnType<typeof open>>;
    try {
      handle = await open(this.path, 'r');
    } catch (error) {
      if (!isFileError(error, 'ENOENT', 'ENOTDIR')) {
        this.#seen = undefined;
        throw error;
      }
      return this.#changedTo('missing') ? { kind: 'missing' } : undefined;
    }
    try {
      const stat = await handle.stat({ bigint: true });
      const settled = this.#now() - Number(stat.mtimeMs) > CLOCK_TICK;
      const identity = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
      if (!this.#changedTo(settled ? identity : `${identity} unsettled ${this.#now()}`)) return undefined;
      return { kind: 'text', text: await handle.readFile('utf8') };
    } finally {
      await handle.close();
    }
  }

  #changedTo(identity: string): boolean {
    const changed = identity !== this.#seen;
    this.#seen = identity;
    return changed;
  }
}
