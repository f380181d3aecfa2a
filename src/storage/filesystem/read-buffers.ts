/** Memory that all reads of large objects share, in bytes. */
const BUDGET = 16 * 1024 * 1024;
const LARGEST = 1024 * 1024;
const SMALLEST = 64 * 1024;

/**
 * The buffers that objects are read through, two for each reader. One reader alone gets large ones, which are
 * fastest; with many the buffers get smaller, so that together they stay within a budget as long as a chunk is
 * worth a system call.
 */
export class ReadBuffers {
  readonly #idle = new Map<number, Buffer[]>();
  #idleBytes = 0;
  #readers = 0;

  /** Call `leave` for each `enter`. @returns the size of the buffers to take */
  enter(): number {
    this.#readers += 1;
    let size = LARGEST;
    while (size > SMALLEST && size * 2 * this.#readers > BUDGET) size /= 2;
    return size;
  }

  leave(): void {
    this.#readers -= 1;
  }

  take(size: number): Buffer {
    const buffer = this.#idle.get(size)?.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size);
    this.#idleBytes -= size;
    return buffer;
  }

  /** Nobody may look at the buffer any more. */
  give(buffer: Buffer): void {
    const size = buffer.byteLength;
    if (this.#idleBytes + size > BUDGET) return;
    const idle = this.#idle.get(size) ?? [];
    idle.push(buffer);
    this.#idle.set(size, idle);
    this.#idleBytes += size;
  }
}
