/** Bytes of one block; parts are made of whole blocks. */
const BLOCK = 1024 * 1024;

/** Who has a buffer and can do without it for a while. */
export interface BufferHolder {
  /** When something was put into the buffer last, by `performance.now()`. */
  readonly usedAt: number;
  /** When the buffer was taken. */
  readonly heldSince: number;
  /** Whether nothing is being done with the buffer, so that `spill` waits for nobody. */
  readonly atRest: boolean;
  /** Puts what the buffer holds into the bucket and gives the buffer back; does nothing when it has none. */
  spill(): Promise<void>;
}

/** How often who waits for room looks for a holder that can do without. */
const LOOK_AGAIN = 250;

/** A writer that has filled one buffer for so long, in idle times, has to give it up although it is not silent. */
const SLOW = 10;

interface Waiting {
  readonly blocks: number;
  readonly grant: () => void;
  readonly refuse: (reason: Error) => void;
}

/**
 * The memory of all part buffers. Room is granted for a whole part before its first byte, so that whoever has
 * begun one can fill it; who finds no room waits. Blocks are made when they are needed, and used again.
 */
export class PartBuffers {
  readonly #idle: number;
  #free: number;
  readonly #spare: Buffer[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #holders = new Set<BufferHolder>();
  #looking: NodeJS.Timeout | undefined;
  #spilling = false;

  /** @param options `memory` bytes in all; `idle` milliseconds after which a holder is silent */
  constructor({ memory, idle }: { readonly memory: number; readonly idle: number }) {
    this.#free = Math.floor(memory / BLOCK);
    this.#idle = idle;
  }

  /** A buffer for `size` bytes; its `release` gives the room back. @throws what `refuse` was given */
  async take(size: number): Promise<PartBuffer> {
    const blocks = Math.ceil(size / BLOCK);
    if (this.#waiting.length > 0 || blocks > this.#free) {
      const granted = new Promise<void>((grant, refuse) => this.#waiting.push({ blocks, grant, refuse }));
      this.#lookForRoom();
      await granted;
    } else {
      this.#free -= blocks;
    }
    return new PartBuffer({
      capacity: size,
      block: () => this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK),
      release: (used) => {
        this.#spare.push(...used);
        this.#free += blocks;
        this.#grant();
      },
    });
  }

  /** Nobody who waits now gets a buffer: what is held would not be given back for long. */
  refuse(reason: Error): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(reason);
    this.#grant();
  }

  /** From now on the holder may be asked to spill. */
  offer(holder: BufferHolder): void {
    this.#holders.add(holder);
  }

  withdraw(holder: BufferHolder): void {
    this.#holders.delete(holder);
  }

  #grant(): void {
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || next.blocks > this.#free) break;
      this.#waiting.shift();
      this.#free -= next.blocks;
      next.grant();
    }
    if (this.#waiting.length === 0) {
      clearInterval(this.#looking);
      this.#looking = undefined;
    }
  }

  #lookForRoom(): void {
    this.#looking ??= setInterval(() => this.#spillOne(), LOOK_AGAIN);
    this.#spillOne();
  }

  /** The longest silent holder first; a failure leaves it its buffer, and the next look tries again. */
  #spillOne(): void {
    if (this.#spilling) return;
    const now = performance.now();
    const holder = [...this.#holders]
      .filter((each) => each.atRest)
      .filter((each) => now - each.usedAt > this.#idle || now - each.heldSince > SLOW * this.#idle)
      .sort((a, b) => a.usedAt - b.usedAt)[0];
    if (holder === undefined) return;
    this.#spilling = true;
    this.#holders.delete(holder);
    holder
      .spill()
      .catch(() => this.#holders.add(holder))
      .finally(() => {
        this.#spilling = false;
      });
  }
}

interface BufferParts {
  readonly capacity: number;
  readonly block: () => Buffer;
  readonly release: (blocks: Buffer[]) => void;
}

/** Bytes of one part while they are gathered and sent. */
export class PartBuffer {
  readonly capacity: number;
  readonly #parts: BufferParts;
  #blocks: Buffer[] = [];
  #size = 0;
  #released = false;

  constructor(parts: BufferParts) {
    this.capacity = parts.capacity;
    this.#parts = parts;
  }

  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size === this.capacity;
  }

  /** Copies as much as has room. @returns how many bytes that was */
  fill(bytes: Uint8Array): number {
    const take = Math.min(bytes.byteLength, this.capacity - this.#size);
    for (let done = 0; done < take; ) {
      const offset = this.#size % BLOCK;
      if (offset === 0) this.#blocks.push(this.#parts.block());
      const count = Math.min(take - done, BLOCK - offset);
      this.#blocks.at(-1)?.set(bytes.subarray(done, done + count), offset);
      this.#size += count;
      done += count;
    }
    return take;
  }

  *chunks(): Generator<Uint8Array> {
    for (let index = 0; index < this.#blocks.length; index += 1) {
      const block = this.#blocks[index];
      if (block !== undefined) yield block.subarray(0, Math.min(BLOCK, this.#size - index * BLOCK));
    }
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#parts.release(this.#blocks);
    this.#blocks = [];
  }
}
