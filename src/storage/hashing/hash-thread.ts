import { Worker } from 'node:worker_threads';
import type { HashMemory } from './hash-memory.ts';
import type { HashReply, HashRequest, HashWorkerData } from './hash-messages.ts';

/** The source as it is, or what was built of it, whichever this file is. */
const WORKER = new URL(`./hash-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

interface Waiting {
  readonly resolve: (hex: string) => void;
  readonly reject: (error: Error) => void;
}

/** A worker thread, with what was asked of it. It keeps the process alive only while it has something to do. */
export class HashThread {
  readonly #worker: Worker;
  readonly #memory: HashMemory;
  readonly #inUse = new Set<number>();
  readonly #digests = new Map<number, Waiting>();
  #failure: Error | undefined;

  constructor(memory: HashMemory) {
    this.#memory = memory;
    const workerData: HashWorkerData = { memory: memory.shared };
    this.#worker = new Worker(WORKER, { workerData });
    this.#worker.on('message', (reply: HashReply) => this.#take(reply));
    this.#worker.on('error', (error) => this.#fail(new Error('a hashing thread failed', { cause: error })));
    this.#worker.on('exit', () => this.#fail(new Error('a hashing thread ended')));
    this.#worker.unref();
  }

  /** Slots that wait here: how busy the thread is. */
  get load(): number {
    return this.#inUse.size;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** The slot is given back to the memory when the worker has read it. @throws when the thread has failed */
  update(request: Extract<HashRequest, { kind: 'update' }>): void {
    if (this.#failure !== undefined) {
      this.#memory.give(request.offset);
      throw this.#failure;
    }
    this.#inUse.add(request.offset);
    this.#post(request);
  }

  digest(id: number): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#digests.set(id, { resolve, reject });
      this.#post({ kind: 'digest', id });
    });
  }

  dispose(id: number): void {
    if (this.#failure === undefined) this.#post({ kind: 'dispose', id });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #post(request: HashRequest): void {
    this.#worker.ref();
    this.#worker.postMessage(request);
    this.#rest();
  }

  #take(reply: HashReply): void {
    if (reply.kind === 'updated') {
      this.#inUse.delete(reply.offset);
      this.#memory.give(reply.offset);
    } else {
      const waiting = this.#digests.get(reply.id);
      this.#digests.delete(reply.id);
      waiting?.resolve(reply.hex);
    }
    this.#rest();
  }

  #rest(): void {
    if (this.#inUse.size === 0 && this.#digests.size === 0) this.#worker.unref();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#digests.values()) reject(this.#failure);
    this.#digests.clear();
    for (const offset of this.#inUse) this.#memory.give(offset);
    this.#inUse.clear();
  }
}
