import type { ContentHasher } from '../../storage/content-hasher.ts';
import type { HeldChunk } from './recent-chunks.ts';

interface BlobHashParts {
  readonly hasher: ContentHasher;
  /** The end of what is here without a gap from a position on. */
  readonly landedFrom: (position: number) => number;
  /** Some of the bytes from a position on. */
  readonly read: (start: number, end: number) => Promise<HeldChunk>;
  /** Whether that can be done when they are not in memory any more. */
  readonly readsBack: boolean;
  /** Called when more was hashed, or that failed. */
  readonly advanced: () => void;
}

/**
 * Hashes a blob from its first byte on, right behind what is here without a gap: what lands in order where it is,
 * what landed out of order is read back. A thread for it was slower with two processors: it has to fetch from
 * memory what is in this one's cache.
 */
export class BlobHash {
  readonly #parts: BlobHashParts;
  #hashed = 0;
  #running: Promise<void> | undefined;
  #stopped = false;
  #digest: Promise<string> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(parts: BlobHashParts) {
    this.#parts = parts;
  }

  /** Bytes hashed. @throws what reading them back failed with */
  get hashed(): number {
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#hashed;
  }

  /** Takes chunks that have just landed. Resolves when they are not needed any more. */
  async take(chunks: readonly Buffer[], offset: number): Promise<void> {
    while (!this.#parts.readsBack && this.#running !== undefined) await this.#running;
    if (this.#hashed !== offset || this.#running !== undefined || this.#stopped) return;
    this.#running = this.#run(async () => {
      for (const chunk of chunks) await this.#update(chunk);
    });
    await this.#running;
  }

  /** More was written. */
  goOn(): void {
    if (this.#running !== undefined || this.#stopped) return;
    if (this.#parts.landedFrom(this.#hashed) === this.#hashed) return;
    this.#running = this.#run(() => this.#catchUp());
  }

  /** Of what was hashed, lower-case hexadecimal; nothing is hashed after it. Repeatable. */
  digest(): Promise<string> {
    this.#digest ??= this.#parts.hasher.digest();
    return this.#digest;
  }

  /** Ends it; resolves when nothing is read any more. Repeatable. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    this.#parts.hasher.dispose();
  }

  async #run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#stopped = true;
      this.#failure = { error };
    }
    this.#running = undefined;
    this.#parts.advanced();
    this.goOn();
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      const end = this.#parts.landedFrom(this.#hashed);
      if (end === this.#hashed || this.#stopped) return;
      const held = await this.#parts.read(this.#hashed, end);
      try {
        await this.#update(held.chunk);
      } finally {
        held.letGo();
      }
    }
  }

  async #update(chunk: Buffer): Promise<void> {
    await this.#parts.hasher.update(chunk);
    this.#hashed += chunk.length;
  }
}
