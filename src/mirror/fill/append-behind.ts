import type { HeldChunk } from './recent-chunks.ts';

interface AppendParts {
  /** Takes every byte in order; calls do not overlap. */
  readonly append: (chunk: Uint8Array) => Promise<void>;
  /** The end of what is written without a gap from a position on. */
  readonly writtenFrom: (position: number) => number;
  /** Some of the bytes from a position on. */
  readonly read: (start: number, end: number) => Promise<HeldChunk>;
  /** Called when it has come to rest. */
  readonly rested: () => void;
}

/** Gives what was written to somebody who takes it slowly, behind the readers and the hash. */
export class AppendBehind {
  readonly #parts: AppendParts;
  #appended = 0;
  #running = false;
  #stopped = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(parts: AppendParts) {
    this.#parts = parts;
  }

  /** Bytes given so far. @throws what giving them failed with */
  get appended(): number {
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#appended;
  }

  get running(): boolean {
    return this.#running;
  }

  /** More was written. */
  goOn(): void {
    if (this.#running || this.#stopped || this.#failure !== undefined) return;
    this.#running = true;
    this.#run()
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#running = false;
        this.#parts.rested();
      });
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const start = this.#appended;
      const end = this.#parts.writtenFrom(start);
      if (end === start) return;
      const held = await this.#parts.read(start, end);
      try {
        await this.#parts.append(held.chunk);
        this.#appended += held.chunk.length;
      } finally {
        held.letGo();
      }
    }
  }
}
