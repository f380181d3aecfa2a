import { syncData } from './descriptor.ts';

/** Bytes after which what was appended is brought to disk while more arrives. */
const STEP = 32 * 1024 * 1024;
/** Each takes a thread that others wait for. */
const AT_ONCE = 2;

/** Brings large uploads to disk as they grow, so that their commit has little left to wait for. */
export class WriteBack {
  readonly #running = new Map<number, Promise<void>>();

  /**
   * Begins to bring a file to disk when enough has come and there is room for one more.
   * @param unsynced bytes written since the last time
   * @returns whether it was begun
   */
  begin(fd: number, unsynced: number): boolean {
    if (unsynced < STEP || this.#running.size >= AT_ONCE || this.#running.has(fd)) return false;
    const run = syncData(fd);
    this.#running.set(fd, run);
    run.then(
      () => this.#running.delete(fd),
      // Kept until somebody asks: the next fsync would not tell.
      () => {},
    );
    return true;
  }

  /** Waits for what runs on a file; must be called before it is closed. Rejects when that failed. */
  async settled(fd: number): Promise<void> {
    const run = this.#running.get(fd);
    if (run === undefined) return;
    try {
      await run;
    } finally {
      this.#running.delete(fd);
    }
  }
}
