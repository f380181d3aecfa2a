import type { FillMedium } from './fill-medium.ts';

/** Writes under way at the same time. */
const AT_ONCE = 2;
/** Bytes behind each other that are written without waiting for more. */
export const WORTH = 512 * 1024;
/** Bytes of one write at most. */
const MOST = 4 * 1024 * 1024;
/** Milliseconds for which less may wait. */
const PATIENCE = 20;

interface Waiting {
  readonly chunks: readonly Buffer[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Bytes that lie behind each other: one write. */
interface Run {
  readonly start: number;
  end: number;
  readonly waiting: Waiting[];
  /** Nothing more is waited for. */
  due: boolean;
}

/**
 * Gives what arrives to a medium, many pieces at a time: each write takes a trip through the thread pool that costs
 * as much as the writing of a quarter of a megabyte. What several connections bring lies in as many places, so each
 * place waits for its own worth.
 */
export class WriteBehind {
  readonly #medium: FillMedium;
  /** In the order in which they were begun. */
  #runs: Run[] = [];
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
      const run = this.#runAt(at);
      run.end += at.length;
      run.waiting.push({ chunks, resolve, reject });
      if (run.end - run.start >= WORTH) this.#next();
      else this.#timer ??= setTimeout(() => this.flush(), PATIENCE);
    });
  }

  /** Nothing more will come soon. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const run of this.#runs) run.due = true;
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

  /** The run that the bytes go on with, or a new one. */
  #runAt({ offset, length }: { readonly offset: number; readonly length: number }): Run {
    const found = this.#runs.find((run) => run.end === offset && offset + length - run.start <= MOST);
    if (found !== undefined) return found;
    const run = { start: offset, end: offset, waiting: [], due: false };
    this.#runs.push(run);
    return run;
  }

  #next(): void {
    const most = this.#medium.anyOrder ? AT_ONCE : 1;
    while (this.#running.size < most) {
      const index = this.#runs.findIndex(({ start, end, due }) => due || end - start >= WORTH);
      const [run] = index < 0 ? [] : this.#runs.splice(index, 1);
      if (run === undefined) return;
      const running = this.#write(run).finally(() => {
        this.#running.delete(running);
        this.#next();
      });
      this.#running.add(running);
    }
  }

  /** What is not written makes a hole, which nothing that is written later mends. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { waiting } of this.#runs) for (const { reject } of waiting) reject(error);
    this.#runs = [];
  }

  async #write({ start, waiting }: Run): Promise<void> {
    try {
      await this.#medium.write(
        waiting.flatMap(({ chunks }) => chunks),
        start,
      );
      for (const { resolve } of waiting) resolve();
    } catch (error) {
      for (const { reject } of waiting) reject(error);
      this.#fail(error);
    }
  }
}
