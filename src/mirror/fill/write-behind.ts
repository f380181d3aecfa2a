import type { FillMedium } from './fill-medium.ts';

/** Writes under way at the same time. */
const AT_ONCE = 2;
/** Bytes that are written without waiting for more to go along, and of one write at most. */
const WORTH = 1024 * 1024;
const MOST = 4 * WORTH;
/** Milliseconds for which less may wait. */
const PATIENCE = 2;

interface Waiting {
  readonly offset: number;
  readonly chunks: readonly Buffer[];
  readonly length: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gives what arrives to a medium, several pieces at a time: each write takes a trip through the thread pool that
 * costs as much as the writing of a quarter of a megabyte.
 */
export class WriteBehind {
  readonly #medium: FillMedium;
  #waiting: Waiting[] = [];
  #bytes = 0;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(medium: FillMedium) {
    this.#medium = medium;
  }

  /** Resolves when it is written. @throws what the medium throws; after that always */
  write(chunks: readonly Buffer[], at: { readonly offset: number; readonly length: number }): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ chunks, ...at, resolve, reject });
      this.#bytes += at.length;
      if (this.#bytes >= WORTH) this.flush();
      else this.#timer ??= setTimeout(() => this.flush(), PATIENCE);
    });
  }

  /** Nothing more will come soon. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#next();
  }

  /** Resolves when everything is written. @throws what any write failed with, whoever was told */
  async settled(): Promise<void> {
    this.flush();
    while (this.#running.size > 0) await Promise.race(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Begins no write any more; resolves when none is under way. */
  async stop(reason: unknown): Promise<void> {
    clearTimeout(this.#timer);
    this.#fail(reason);
    await Promise.all(this.#running);
  }

  #next(): void {
    const most = this.#medium.anyOrder ? AT_ONCE : 1;
    while (this.#running.size < most && this.#waiting.length > 0) {
      const running = this.#run(this.#takeRun()).finally(() => {
        this.#running.delete(running);
        this.#next();
      });
      this.#running.add(running);
    }
  }

  /** What is not written makes a hole, which nothing that is written later mends. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting = [];
    this.#bytes = 0;
  }

  /** What lies behind each other, beginning with what waits longest. */
  #takeRun(): readonly Waiting[] {
    const run: Waiting[] = [];
    const rest: Waiting[] = [];
    let end: number | undefined;
    let bytes = 0;
    for (const one of this.#waiting) {
      const fits = end === undefined || (one.offset === end && bytes + one.length <= MOST);
      (fits ? run : rest).push(one);
      if (!fits) continue;
      end = one.offset + one.length;
      bytes += one.length;
    }
    this.#waiting = rest;
    this.#bytes -= bytes;
    return run;
  }

  async #run(run: readonly Waiting[]): Promise<void> {
    try {
      const chunks = run.flatMap((one) => one.chunks);
      await this.#medium.write(chunks, run[0]?.offset ?? 0);
      for (const { resolve } of run) resolve();
    } catch (error) {
      for (const { reject } of run) reject(error);
      this.#fail(error);
    }
  }
}
