import { costOf } from './chunk-cost.ts';
import type { LentChunks } from './response-body.ts';
import type { Slab } from './slabs.ts';

/** Bytes; less room than this is not worth a read of its own. */
const LEAST_ROOM = 64 * 1024;
/** Bytes, as `costOf` counts, that may lie unread before no more are taken. */
const MOST_UNREAD = 512 * 1024;

/** Where memory comes from. */
export interface ReceiveSlabs {
  /**
   * @param last bytes that the connection's last read brought
   * @returns a slab with one holder
   */
  take(last: number): Slab;
}

/** What came on a connection and was not read yet, in slabs that are filled one after the other. */
export class ReceivedBytes {
  readonly #slabs: ReceiveSlabs;
  #slab: Slab | undefined;
  /** How much of the slab is filled. */
  #filled = 0;
  /** Bytes that came last. */
  #last = 0;
  #chunks: Buffer[] = [];
  /** A hold on the slab for each time that chunks of it were added. */
  #held: Slab[] = [];
  #unread = 0;

  constructor(slabs: ReceiveSlabs) {
    this.#slabs = slabs;
  }

  get empty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Bytes, as `costOf` counts. */
  get unread(): number {
    return this.#unread;
  }

  get full(): boolean {
    return this.#unread >= MOST_UNREAD;
  }

  /** Where the next bytes are to be put. */
  room(): Buffer {
    if (this.#slab !== undefined && this.#slab.memory.length - this.#filled < LEAST_ROOM) this.#leaveSlab();
    this.#slab ??= this.#slabs.take(this.#last);
    return this.#slab.memory.subarray(this.#filled);
  }

  /** Takes what was put into the room. */
  take(length: number): Buffer {
    const from = this.#filled;
    this.#filled += length;
    this.#last = length;
    return this.#slab?.memory.subarray(from, this.#filled) ?? Buffer.alloc(0);
  }

  /** Parts of what was taken last, to be read. */
  add(chunks: readonly Buffer[]): void {
    if (chunks.length === 0 || this.#slab === undefined) return;
    this.#slab.hold();
    this.#held.push(this.#slab);
    this.addCopied(chunks);
  }

  /** The same for what lies elsewhere. */
  addCopied(chunks: readonly Buffer[]): void {
    for (const chunk of chunks) {
      this.#chunks.push(chunk);
      this.#unread += costOf(chunk.length);
    }
  }

  /** All that is unread. */
  lend(): LentChunks | undefined {
    if (this.#chunks.length === 0) return undefined;
    const chunks = this.#chunks;
    const held = this.#held;
    this.#chunks = [];
    this.#held = [];
    this.#unread = 0;
    return {
      chunks,
      letGo: () => {
        for (const slab of held.splice(0)) slab.letGo();
      },
    };
  }

  /** Nothing more will come; what is unread can still be lent. */
  close(): void {
    this.#leaveSlab();
  }

  #leaveSlab(): void {
    this.#slab?.letGo();
    this.#slab = undefined;
    this.#filled = 0;
  }
}
