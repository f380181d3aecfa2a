import type { Slabs } from '../upstream/slabs.ts';
import type { FillMedium } from './fill-medium.ts';
import { LandedRanges } from './landed-ranges.ts';
import { ReadBack } from './read-back.ts';
import { type HeldChunk, type LandedChunks, RecentChunks, recentRoom } from './recent-chunks.ts';

interface HeldBytesParts {
  readonly medium: Pick<FillMedium, 'read' | 'readNow'>;
  /** For what is read back. */
  readonly slabs: Slabs;
  /** Of the whole blob, in bytes. */
  readonly size: () => number;
  /** How many blobs share the memory there is. */
  readonly sharers: () => number;
  /** Whether nothing need stay in memory that can be read from the medium. */
  readonly sparing: () => boolean;
}

/** The bytes of a blob that are here: what arrived last is in memory, what was written is read back. */
export class HeldBytes {
  readonly #recent: RecentChunks;
  readonly #readBack: ReadBack;
  /** What can be read from the medium. */
  readonly #written = new LandedRanges();

  constructor({ sparing, ...parts }: HeldBytesParts) {
    this.#recent = new RecentChunks(() => (sparing() ? 0 : recentRoom(parts.sharers())));
    this.#readBack = new ReadBack({ ...parts, writtenFrom: (at) => this.writtenFrom(at) });
  }

  /** @returns call it when the bytes are written */
  add(start: number, landed: LandedChunks): () => void {
    const kept = this.#recent.add(start, landed);
    return () => {
      this.#written.add(start, start + landed.length);
      kept();
    };
  }

  /** The end of what is written without a gap from a position on. */
  writtenFrom(position: number): number {
    return this.#written.endFrom(position);
  }

  /**
   * Some of the bytes between two positions, from the first one on; they must have been added.
   * @returns undefined where neither memory nor the medium holds them any more
   */
  async hold(start: number, end: number): Promise<HeldChunk | undefined> {
    const recent = this.#recent.hold(start);
    if (recent !== undefined) return { chunk: recent.chunk.subarray(0, end - start), letGo: recent.letGo };
    return await this.#readBack.hold(start, end);
  }

  /** The same of what is still needed. @throws where it is gone */
  async mustHold(start: number, end: number): Promise<HeldChunk> {
    const held = await this.hold(start, end);
    if (held === undefined) throw new Error('what was written cannot be read back');
    return held;
  }

  /** Lets go of what need not stay in memory any more. */
  trim(): void {
    this.#recent.trim();
  }

  /** Nobody reads any more. */
  close(): void {
    this.#recent.clear();
    this.#readBack.close();
  }
}
