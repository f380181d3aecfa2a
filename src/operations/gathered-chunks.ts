import type { BodyBuffers } from './body-buffers.ts';

/**
 * Chunks of a body that wait for its reader, gathered in buffers that are used again. What Node reads is copied
 * as it arrives, so that it dies at once: buffers that outlive two young collections make V8 mark its whole heap
 * for the memory that they hold. Where no buffer is free a chunk waits as it came.
 */
export class GatheredChunks {
  readonly #buffers: BodyBuffers;
  #filling: Buffer | undefined;
  #filled = 0;
  /** What found no room. */
  readonly #over: Buffer[] = [];
  #lent: Buffer | undefined;

  constructor(buffers: BodyBuffers) {
    this.#buffers = buffers;
  }

  /** Whether the source should pause. */
  get full(): boolean {
    return (
      this.#over.length > 0 || (this.#filling !== undefined && this.#filled === this.#filling.byteLength)
    );
  }

  add(chunk: Buffer): void {
    if (this.#over.length === 0) this.#filling ??= this.#buffers.take();
    if (this.#over.length > 0 || this.#filling === undefined) {
      this.#over.push(chunk);
      return;
    }
    const copied = chunk.copy(this.#filling, this.#filled);
    this.#filled += copied;
    if (copied < chunk.length) this.#over.push(chunk.subarray(copied));
  }

  /** What came first, up to a buffer; valid until the next call. */
  take(): Buffer | undefined {
    this.#giveBack();
    const buffer = this.#filling;
    if (buffer === undefined) return this.#over.shift();
    const chunk = buffer.subarray(0, this.#filled);
    this.#lent = buffer;
    this.#filling = undefined;
    this.#filled = 0;
    for (const over of this.#over.splice(0)) this.add(over);
    return chunk;
  }

  /** Gives the memory back, when nobody looks at the last chunk any more. */
  close(): void {
    this.#giveBack();
    if (this.#filling !== undefined) this.#buffers.give(this.#filling);
    this.#filling = undefined;
  }

  #giveBack(): void {
    if (this.#lent !== undefined) this.#buffers.give(this.#lent);
    this.#lent = undefined;
  }
}
