/** Memory that all request bodies share, in bytes. */
const BUDGET = 16 * 1024 * 1024;
const LARGEST = 512 * 1024;
/** What arrives at a time; with it even the most uploads stay within the budget. */
const SMALLEST = 64 * 1024;

/**
 * The buffers that request bodies are gathered in, two for each: one fills while the other is written. One body
 * alone gets large ones, which are fastest; with many the buffers get smaller, so that together they stay within
 * a budget as long as a chunk is worth a system call.
 */
export class BodyBuffers {
  readonly #idle = new Map<number, Buffer[]>();
  #bytes = 0;
  #bodies = 0;

  /** Call `leave` for each `enter`. */
  enter(): void {
    this.#bodies += 1;
  }

  leave(): void {
    this.#bodies -= 1;
  }

  take(): Buffer {
    const size = this.#size();
    const buffer = this.#idle.get(size)?.pop();
    if (buffer !== undefined) return buffer;
    this.#bytes += size;
    if (this.#bytes > BUDGET) this.#dropIdle();
    return Buffer.allocUnsafeSlow(size);
  }

  /** Nobody may look at the buffer any more. */
  give(buffer: Buffer): void {
    const size = buffer.byteLength;
    if (this.#bytes > BUDGET) {
      this.#bytes -= size;
      return;
    }
    const idle = this.#idle.get(size) ?? [];
    idle.push(buffer);
    this.#idle.set(size, idle);
  }

  #size(): number {
    let size = LARGEST;
    while (size > SMALLEST && size * 2 * this.#bodies > BUDGET) size /= 2;
    return size;
  }

  /** Buffers of sizes that nobody takes now. */
  #dropIdle(): void {
    for (const [size, idle] of this.#idle) this.#bytes -= size * idle.length;
    this.#idle.clear();
  }
}
