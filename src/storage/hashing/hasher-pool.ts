import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { DigestAlgorithm } from '../../oci/digest.ts';
import type { ContentHasher, HasherPool } from '../content-hasher.ts';
import { HashMemory } from './hash-memory.ts';
import { HashThread } from './hash-thread.ts';

/**
 * Bytes that go to a thread at a time. Content that is not longer is hashed where it is: sending it away costs
 * more than the hash.
 */
const SLOT_SIZE = 256 * 1024;

export interface HasherPoolOptions {
  /** Default: one less than the processors, at least 1 and at most 4; one hashes about 1.7 GB/s. */
  readonly threads?: number;
  /** Of 256 KiB, shared by all uploads. Default: 64. Where they are all in use an upload waits. */
  readonly slots?: number;
}

/** A HasherPool that was made by `createHasherPool`; `close` ends its threads. */
export interface ThreadedHasherPool extends HasherPool {
  close(): Promise<void>;
}

/** Hashes in worker threads, which are started when the first content comes that is long enough. */
export function createHasherPool(options: HasherPoolOptions = {}): ThreadedHasherPool {
  return new ThreadPool(options);
}

class ThreadPool implements ThreadedHasherPool {
  readonly #limit: number;
  readonly #slots: number;
  #memory: HashMemory | undefined;
  readonly #threads = new Set<HashThread>();
  /** Hashers with bytes in a slot; one whose first bytes are still on their way must not be made to give it up. */
  readonly #partial = new Set<PooledHasher>();
  #nextId = 1;

  constructor(options: HasherPoolOptions) {
    this.#limit = options.threads ?? Math.min(4, Math.max(1, availableParallelism() - 1));
    this.#slots = options.slots ?? 64;
  }

  begin(algorithm: DigestAlgorithm): ContentHasher {
    this.#memory ??= new HashMemory({ slots: this.#slots, slotSize: SLOT_SIZE });
    const memory = this.#memory;
    return new PooledHasher({
      id: this.#nextId++,
      algorithm,
      memory,
      partial: this.#partial,
      takeSlot: () => this.#takeSlot(memory),
      thread: () => this.#leastBusy(memory),
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.close()));
    this.#threads.clear();
  }

  /** Slots that wait for more bytes are sent on first: whoever holds them may get none for long. */
  #takeSlot(memory: HashMemory): number | Promise<number> {
    const free = memory.tryTake();
    if (free !== undefined) return free;
    for (const hasher of this.#partial) hasher.flush();
    return memory.take();
  }

  #leastBusy(memory: HashMemory): HashThread {
    let best: HashThread | undefined;
    for (const thread of this.#threads) {
      if (thread.failed) this.#threads.delete(thread);
      else if (best === undefined || thread.load < best.load) best = thread;
    }
    if (best !== undefined && (best.load === 0 || this.#threads.size >= this.#limit)) return best;
    const thread = new HashThread(memory);
    this.#threads.add(thread);
    return thread;
  }
}

interface HasherParts {
  readonly id: number;
  readonly algorithm: DigestAlgorithm;
  readonly memory: HashMemory;
  readonly partial: Set<PooledHasher>;
  readonly takeSlot: () => number | Promise<number>;
  readonly thread: () => HashThread;
}

interface Slot {
  readonly offset: number;
  readonly view: Uint8Array;
  filled: number;
}

class PooledHasher implements ContentHasher {
  readonly #parts: HasherParts;
  #thread: HashThread | undefined;
  #slot: Slot | undefined;
  #failure: unknown;
  #disposed = false;

  constructor(parts: HasherParts) {
    this.#parts = parts;
  }

  async update(chunk: Uint8Array): Promise<void> {
    for (let start = 0; start < chunk.byteLength; ) {
      this.#mustBeSound();
      const slot = this.#slot ?? (await this.#newSlot());
      const part = chunk.subarray(start, start + slot.view.byteLength - slot.filled);
      slot.view.set(part, slot.filled);
      slot.filled += part.byteLength;
      start += part.byteLength;
      this.#parts.partial.add(this);
      // A full slot waits for the next byte: content that just fills one is small. Not while others wait for a slot.
      if (start < chunk.byteLength || this.#parts.memory.isWanted) this.flush();
    }
  }

  async digest(): Promise<string> {
    this.#mustBeSound();
    if (this.#thread === undefined) {
      const { algorithm } = this.#parts;
      const content = this.#slot?.view.subarray(0, this.#slot.filled) ?? new Uint8Array();
      const hex = createHash(algorithm).update(content).digest('hex');
      this.dispose();
      return hex;
    }
    this.flush();
    this.#mustBeSound();
    const { id } = this.#parts;
    this.#disposed = true;
    return this.#thread.digest(id);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#parts.partial.delete(this);
    if (this.#slot !== undefined) this.#parts.memory.give(this.#slot.offset);
    this.#slot = undefined;
    this.#thread?.dispose(this.#parts.id);
  }

  /** Sends what has been gathered to the thread. A failure is told by the next call. */
  flush(): void {
    const slot = this.#slot;
    if (slot === undefined) return;
    const { id, algorithm, partial, thread } = this.#parts;
    this.#slot = undefined;
    partial.delete(this);
    try {
      this.#thread ??= thread();
      this.#thread.update({ kind: 'update', id, algorithm, offset: slot.offset, length: slot.filled });
    } catch (error) {
      this.#failure = error;
    }
  }

  async #newSlot(): Promise<Slot> {
    const offset = await this.#parts.takeSlot();
    const slot = { offset, view: this.#parts.memory.view(offset), filled: 0 };
    if (this.#disposed) {
      this.#parts.memory.give(offset);
      throw new Error('the hasher was disposed');
    }
    this.#slot = slot;
    return slot;
  }

  #mustBeSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#disposed) throw new Error('the hasher was disposed');
  }
}
