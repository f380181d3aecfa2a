import { type Slab, Slabs } from '../upstream/slabs.ts';
import type { FillMedium } from './fill-medium.ts';
import { type SharedMemory, shareOf } from './memory-share.ts';
import type { HeldChunk } from './recent-chunks.ts';

/** Bytes that are read at a time. */
const BLOCK = 512 * 1024;
/** Blocks that stay for others who need them. */
const BLOCKS: SharedMemory = { inAll: 16, least: 1, most: 8 };
/** Blocks that nobody holds and that are kept for later, of all fills together. */
const MOST_SPARE = 8;
/** Bytes by which what is read may lag behind what was written, for that to be in the system's memory for certain. */
const JUST_WRITTEN = 16 * 1024 * 1024;

/** Memory for what is read back. */
export function readBackSlabs(): Slabs {
  return new Slabs({ size: BLOCK, mostSpare: MOST_SPARE });
}

interface ReadBackParts {
  /** Of `readBackSlabs`, for all fills. */
  readonly slabs: Slabs;
  readonly medium: Pick<FillMedium, 'read' | 'readNow'>;
  /** The end of what is written without a gap from a position on. */
  readonly writtenFrom: (position: number) => number;
  /** Of the whole content, in bytes. */
  readonly size: () => number;
  /** How many fills share the memory there is. */
  readonly sharers: () => number;
}

interface Block {
  readonly slab: Slab;
  /** Bytes that were read. */
  readonly length: Promise<number>;
}

/**
 * What has left memory, read from the medium: once for all who need it at about the same time, as readers do who
 * wait for the same part of a blob, and the hash before them.
 */
export class ReadBack {
  readonly #parts: ReadBackParts;
  /** By where they begin; what was used last is last. */
  readonly #blocks = new Map<number, Block>();

  constructor(parts: ReadBackParts) {
    this.#parts = parts;
  }

  /**
   * Some of the bytes between two positions, from the first one on; they must be written.
   * @returns undefined where the medium does not hold them any more
   */
  async hold(start: number, end: number): Promise<HeldChunk | undefined> {
    const { writtenFrom, size } = this.#parts;
    const first = start - (start % BLOCK);
    const behind = Math.min(first + BLOCK, size());
    const whole = writtenFrom(first) >= behind;
    const from = whole ? first : start;
    const block = whole
      ? this.#shared(first, behind)
      : this.#read(start, Math.min(end, start + BLOCK, writtenFrom(start)));
    const { slab } = block;
    if (whole) slab.hold();
    try {
      const length = await block.length;
      const chunk = slab.memory.subarray(start - from, Math.min(end - from, length));
      if (chunk.length > 0) return { chunk, letGo: () => slab.letGo() };
    } catch (error) {
      slab.letGo();
      throw error;
    }
    slab.letGo();
    return undefined;
  }

  /** Nobody reads any more. */
  close(): void {
    for (const { slab } of this.#blocks.values()) slab.letGo();
    this.#blocks.clear();
  }

  #shared(first: number, behind: number): Block {
    const known = this.#blocks.get(first);
    const block = known ?? this.#read(first, behind);
    this.#blocks.delete(first);
    this.#blocks.set(first, block);
    if (known === undefined) {
      block.length.catch(() => this.#forget(first, block));
      this.#trim();
    }
    return block;
  }

  /** With one holder. */
  #read(start: number, end: number): Block {
    const slab = this.#parts.slabs.take();
    return { slab, length: this.#readInto(slab.memory.subarray(0, end - start), start) };
  }

  /** A file system may give less at a time than it is asked for, though there is more. */
  async #readInto(memory: Buffer, start: number): Promise<number> {
    let done = 0;
    while (done < memory.length) {
      const length = await this.#readSome(memory.subarray(done), start + done);
      if (length === 0) break;
      done += length;
    }
    return done;
  }

  async #readSome(memory: Buffer, start: number): Promise<number> {
    const { medium, writtenFrom } = this.#parts;
    // What was written a moment ago is in the system's memory: to copy it costs less than a thread.
    if (medium.readNow !== undefined && writtenFrom(start) - start < JUST_WRITTEN)
      return medium.readNow(memory, start);
    return await medium.read(memory, start);
  }

  #trim(): void {
    const most = shareOf(BLOCKS, this.#parts.sharers());
    for (const [first, block] of this.#blocks) {
      if (this.#blocks.size <= most) return;
      this.#forget(first, block);
    }
  }

  #forget(first: number, block: Block): void {
    if (this.#blocks.get(first) !== block) return;
    this.#blocks.delete(first);
    block.slab.letGo();
  }
}
