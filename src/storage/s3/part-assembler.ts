import type { StoredObject } from './copies.ts';
import { type Content, contentOf } from './objects.ts';
import type { BufferHolder, PartBuffer, PartBuffers } from './part-buffers.ts';

/** Up to here bytes are gathered without a part's buffer: most uploads are small. */
const SMALL = 128 * 1024;

/** Parts of one upload that are sent at once. */
const SENDING_AT_ONCE = 4;

export interface PartAssemblerOptions {
  readonly buffers: PartBuffers;
  /** Bytes of the part with this index, counted from 0 in this assembler. */
  readonly partSize: (index: number) => number;
  /** Sends a full part; called for one index after the other, not waiting for those before. */
  readonly send: (index: number, content: Content) => Promise<void>;
  /** Keeps what is no full part, while its writer is silent and others need the memory. */
  readonly keep: (content: Content) => Promise<Kept>;
}

/** Bytes that wait until the rest of their part comes. */
export interface Kept {
  readonly size: number;
  /** Where in the bucket; undefined for a few that are in memory. */
  readonly key: string | undefined;
  chunks(): AsyncIterable<Uint8Array>;
}

/** Cuts what is appended into parts and sends them as they fill, several at once. */
export class PartAssembler implements BufferHolder {
  readonly #options: PartAssemblerOptions;
  #small: Buffer[] = [];
  #smallSize = 0;
  #kept: Kept | undefined;
  #filling: PartBuffer | undefined;
  #next = 0;
  readonly #sending = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  /** Appending and spilling take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #turns = 0;
  usedAt = 0;
  heldSince = 0;

  /** @param kept what comes before the first byte that is appended */
  constructor(options: PartAssemblerOptions, kept?: Kept) {
    this.#options = options;
    this.#kept = kept;
  }

  /** Parts that were handed to `send`. */
  get partsBegun(): number {
    return this.#next;
  }

  /** Bytes that belong to no part yet. */
  get restSize(): number {
    return (this.#kept?.size ?? 0) + this.#smallSize + (this.#filling?.size ?? 0);
  }

  /** The rest, when all of it waits in the bucket. */
  get stored(): StoredObject | undefined {
    const { key, size } = this.#kept ?? {};
    return key !== undefined && size === this.restSize ? { key, size } : undefined;
  }

  get atRest(): boolean {
    return this.#turns === 0;
  }

  /** @throws what `send` threw for this or an earlier part */
  append(chunk: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#append(chunk));
  }

  /** Resolves when every part that was begun has been sent. @throws what `send` threw */
  async settle(): Promise<void> {
    await this.#turn;
    await Promise.all(this.#sending);
    this.#throwFailure();
  }

  /** The rest, in memory. Good until the next append or `release`. */
  async rest(): Promise<Content> {
    return this.#inTurn(async () => {
      if (this.#kept !== undefined) await this.#beginBuffer();
      this.#options.buffers.withdraw(this);
      const filling = this.#filling;
      if (filling !== undefined) return { size: filling.size, chunks: () => filling.chunks() };
      return contentOf(Buffer.concat(this.#small));
    });
  }

  /** The rest, from where it is. */
  async *readRest(): AsyncGenerator<Uint8Array> {
    await this.#turn;
    const filling = this.#filling;
    this.#options.buffers.withdraw(this);
    try {
      if (this.#kept !== undefined) yield* this.#kept.chunks();
      yield* this.#small;
      if (filling !== undefined) yield* filling.chunks();
    } finally {
      if (filling !== undefined) this.#options.buffers.offer(this);
    }
  }

  /** Gives all memory back, once what is being sent has left it. */
  async release(): Promise<void> {
    await this.#turn;
    this.#options.buffers.withdraw(this);
    this.#filling?.release();
    this.#filling = undefined;
    this.#small = [];
    this.#smallSize = 0;
  }

  spill(): Promise<void> {
    return this.#inTurn(async () => {
      const filling = this.#filling;
      if (filling === undefined) return;
      this.#kept = await this.#options.keep({ size: filling.size, chunks: () => filling.chunks() });
      this.#filling = undefined;
      filling.release();
    });
  }

  async #append(chunk: Uint8Array): Promise<void> {
    this.#throwFailure();
    const stays = this.#filling === undefined && this.#kept === undefined;
    if (stays && this.#smallSize + chunk.byteLength <= SMALL) {
      this.#small.push(Buffer.from(chunk));
      this.#smallSize += chunk.byteLength;
      return;
    }
    for (let done = 0; done < chunk.byteLength; ) {
      const filling = await this.#beginBuffer();
      this.usedAt = performance.now();
      done += filling.fill(chunk.subarray(done));
      if (filling.full) await this.#sendFull(filling);
      this.#throwFailure();
    }
  }

  /** The buffer that is being filled; a new one begins with what came before. */
  async #beginBuffer(): Promise<PartBuffer> {
    if (this.#filling !== undefined) return this.#filling;
    const { buffers, partSize } = this.#options;
    const filling = await buffers.take(partSize(this.#next));
    try {
      if (this.#kept !== undefined) for await (const bytes of this.#kept.chunks()) filling.fill(bytes);
    } catch (error) {
      filling.release();
      throw error;
    }
    for (const bytes of this.#small) filling.fill(bytes);
    this.#kept = undefined;
    this.#small = [];
    this.#smallSize = 0;
    this.#filling = filling;
    this.usedAt = this.heldSince = performance.now();
    buffers.offer(this);
    return filling;
  }

  async #sendFull(filling: PartBuffer): Promise<void> {
    this.#options.buffers.withdraw(this);
    this.#filling = undefined;
    const content = { size: filling.size, chunks: () => filling.chunks() };
    const sending = this.#options
      .send(this.#next, content)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        filling.release();
        this.#sending.delete(sending);
      });
    this.#next += 1;
    this.#sending.add(sending);
    if (this.#sending.size >= SENDING_AT_ONCE) await Promise.race(this.#sending);
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#turns += 1;
    const done = this.#turn.then(work).finally(() => {
      this.#turns -= 1;
    });
    this.#turn = done.catch(() => {});
    return done;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
