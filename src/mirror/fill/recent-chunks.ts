interface Entry {
  readonly start: number;
  readonly end: number;
  readonly chunks: readonly Buffer[];
  /** Whether it can be read from elsewhere. */
  kept: boolean;
}

/**
 * What arrived last, in memory: readers who keep up take it from here, and what is not yet written can be read
 * nowhere else. Bounded by what is being written plus `room`.
 */
export class RecentChunks {
  readonly #room: () => number;
  #entries: Entry[] = [];
  #bytes = 0;

  /** @param room bytes of written content that stay, as of now */
  constructor(room: () => number) {
    this.#room = room;
  }

  /** @returns call it when the bytes can be read from elsewhere */
  add(chunks: readonly Buffer[], start: number): () => void {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const entry = { start, end: start + length, chunks, kept: false };
    this.#entries.push(entry);
    this.#bytes += length;
    return () => {
      entry.kept = true;
      this.#trim();
    };
  }

  /** The bytes from `position` to the end of the chunk that holds it; undefined where none does any more. */
  at(position: number): Buffer | undefined {
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index];
      if (entry === undefined || position < entry.start || position >= entry.end) continue;
      let start = entry.start;
      for (const chunk of entry.chunks) {
        if (position < start + chunk.length) return chunk.subarray(position - start);
        start += chunk.length;
      }
    }
    return undefined;
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
  }

  #trim(): void {
    const room = this.#room();
    while (this.#bytes > room) {
      const index = this.#entries.findIndex(({ kept }) => kept);
      const entry = this.#entries[index];
      if (entry === undefined) return;
      this.#entries.splice(index, 1);
      this.#bytes -= entry.end - entry.start;
    }
  }
}
