/**
 * Bytes that arrive in pieces of any size, in one buffer that grows: in a list of pieces one that is a byte long
 * would cost hundreds.
 */
export class CollectedBytes {
  readonly #limit: number;
  #memory = Buffer.alloc(0);
  #size = 0;

  /** @param limit bytes that may come at most */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether so many bytes more may come. */
  fits(length: number): boolean {
    return this.#size + length <= this.#limit;
  }

  /** Copies the chunk, which must fit. */
  add(chunk: Uint8Array): void {
    const end = this.#size + chunk.byteLength;
    if (end > this.#memory.byteLength) this.#grow(Math.max(end, Math.min(this.#size * 2, this.#limit)));
    this.#memory.set(chunk, this.#size);
    this.#size = end;
  }

  /** All that has come; shares memory with what comes later. */
  get content(): Buffer {
    return this.#memory.subarray(0, this.#size);
  }

  #grow(length: number): void {
    const memory = Buffer.allocUnsafeSlow(length);
    memory.set(this.content);
    this.#memory = memory;
  }
}
