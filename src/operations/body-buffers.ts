/** Bytes; what is written at a time. */
const SIZE = 128 * 1024;
const COUNT = 128;

/**
 * The buffers that request bodies are gathered in, which all bodies share: 16 MiB in one piece, of which the
 * system gives what is used. Those used last are used again first.
 */
export class BodyBuffers {
  #free: Buffer[] | undefined;

  /** Undefined when all are in use. */
  take(): Buffer | undefined {
    this.#free ??= cut(Buffer.allocUnsafeSlow(SIZE * COUNT));
    return this.#free.pop();
  }

  /** Nobody may look at the buffer any more. */
  give(buffer: Buffer): void {
    this.#free?.push(buffer);
  }
}

function cut(memory: Buffer): Buffer[] {
  return Array.from({ length: COUNT }, (_, index) => memory.subarray(index * SIZE, (index + 1) * SIZE));
}
