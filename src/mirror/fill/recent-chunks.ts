import { costOf } from '../upstream/chunk-cost.ts';
import { type SharedMemory, shareOf } from './memory-share.ts';

/** Bytes that stay in memory after they were written, for readers who keep up. */
const RECENT: SharedMemory = { inAll: 24 * 1024 * 1024, least: 256 * 1024, most: 4 * 1024 * 1024 };

interface Entry {
  readonly start: number;
  readonly end: number;
  readonly chunks: readonly Buffer[];
  readonly letGo: () => void;
  /** Whether it can be read from elsewhere. */
  kept: boolean;
  /** Who reads it at the moment. */
  readers: number;
  /** No longer among the recent ones. */
  gone: boolean;
}

/** Chunks that lie behind each other. */
export interface LandedChunks {
  readonly chunks: readonly Buffer[];
  /** Of all of them, in bytes. */
  readonly length: number;
  /** Called when they are not needed any more. */
  readonly letGo: () => void;
}

/** Bytes that are valid until they are let go. */
export interface HeldChunk {
  readonly chunk: Buffer;
  letGo(): void;
}

/**
 * What arrived last, in memory: readers who keep up take it from here, and what is not yet written can be read
 * nowhere else. Bounded by what is being written plus `room`, and by what each reader has in hand.
 */
export class RecentChunks {
  readonly #room: () => number;
  #entries: Entry[] = [];
  #cost = 0;

  /** @param room bytes of written content that stay, as of now */
  constructor(room: () => number) {
    this.#room = room;
  }

  /** @returns call it when the bytes can be read from elsewhere */
  add(start: number, { chunks, letGo, length }: LandedChunks): () => void {
    const entry = { start, end: start + length, chunks, letGo, kept: false, readers: 0, gone: false };
    this.#entries.push(entry);
    this.#cost += costOf(length);
    return () => {
      entry.kept = true;
      this.trim();
    };
  }

  /** The bytes from `position` to the end of the chunk that holds it; undefined where none does any more. */
  hold(position: number): HeldChunk | undefined {
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index];
      if (entry === undefined || position < entry.start || position >= entry.end) continue;
      entry.readers++;
      return { chunk: bytesAt(entry, position), letGo: () => leave(entry) };
    }
    return undefined;
  }

  clear(): void {
    for (const entry of this.#entries) drop(entry);
    this.#entries = [];
    this.#cost = 0;
  }

  /** Lets go of what there is no room for any more. */
  trim(): void {
    const room = this.#room();
    while (this.#cost > room) {
      const index = this.#entries.findIndex(({ kept }) => kept);
      const entry = this.#entries[index];
      if (entry === undefined) return;
      this.#entries.splice(index, 1);
      this.#cost -= costOf(entry.end - entry.start);
      drop(entry);
    }
  }
}

/** Bytes for each of so many blobs that share the memory there is. */
export function recentRoom(sharers: number): number {
  return shareOf(RECENT, sharers);
}

function bytesAt({ chunks, start }: Entry, position: number): Buffer {
  let at = start;
  for (const chunk of chunks) {
    if (position < at + chunk.length) return chunk.subarray(position - at);
    at += chunk.length;
  }
  throw new Error('a position behind the end of what holds it');
}

function leave(entry: Entry): void {
  entry.readers--;
  if (entry.gone && entry.readers === 0) entry.letGo();
}

function drop(entry: Entry): void {
  entry.gone = true;
  if (entry.readers === 0) entry.letGo();
}
