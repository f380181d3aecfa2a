import { CollectedBytes } from '../../operations/collected-bytes.ts';
import { costOf } from './chunk-cost.ts';
import { TimeoutError } from './timeout-error.ts';

/** Chunks in memory that is used again: valid until they are let go. */
export interface LentChunks {
  readonly chunks: readonly Buffer[];
  letGo(): void;
}

/** What an answer's bytes are read from. One reader. */
export interface ResponseBody {
  /**
   * Everything that arrived since the last call, at least one chunk, in order; waits where nothing has.
   * @returns undefined at the end
   * @throws the error that broke the connection, when all that arrived before was read
   */
  read(): Promise<LentChunks | undefined>;
  /** Drops the connection unless the body has ended. */
  abort(): void;
}

/** How a body makes its connection wait. */
export interface BodyFlow {
  pause(): void;
  resume(): void;
  abort(reason: Error): void;
}

/** Bytes, as `costOf` counts, that may lie unread before the connection is made to wait. */
const HIGH_WATER = 512 * 1024;

/** Between a connection that pushes and a reader that pulls; bounded. */
export class BufferedBody implements ResponseBody {
  readonly #flow: BodyFlow;
  #chunks: Buffer[] = [];
  #unread = 0;
  #ended = false;
  #error: Error | undefined;
  #waiting: (() => void) | undefined;
  #paused = false;

  constructor(flow: BodyFlow) {
    this.#flow = flow;
  }

  /** Whether the reader lets more come: no stall while it does not. */
  get paused(): boolean {
    return this.#paused;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#unread += costOf(chunk.length);
    if (this.#unread >= HIGH_WATER && !this.#paused) {
      this.#paused = true;
      this.#flow.pause();
    }
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  fail(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wake();
  }

  async read(): Promise<LentChunks | undefined> {
    while (this.#unread === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    if (this.#unread > 0) {
      const chunks = this.#chunks;
      this.#chunks = [];
      this.#unread = 0;
      if (this.#paused) {
        this.#paused = false;
        this.#flow.resume();
      }
      return { chunks, letGo: () => {} };
    }
    if (this.#error !== undefined) throw this.#error;
    return undefined;
  }

  abort(): void {
    if (!this.#ended) this.#flow.abort(new Error('nobody reads on'));
    this.#chunks = [];
    this.#unread = 0;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}

/** The body ended later than allowed. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
}

/** Milliseconds that any body may take, and bytes in a second with which it may take longer. */
const GRACE = 30_000;
const SLOWEST = 1024;
/** Milliseconds that the rest of an unwanted body may take: a new connection costs less. */
const DISCARD_WITHIN = 1_000;

/**
 * A body that comes by drops never stalls, and would hold a connection for days: it has an end too.
 * @param now milliseconds that only go forward
 * @throws BodyTooLargeError past `limit` bytes, TimeoutError; the connection is dropped then
 */
export async function readWhole(
  body: ResponseBody,
  limit: number,
  now = () => performance.now(),
): Promise<Buffer> {
  const bytes = new CollectedBytes(limit);
  const begun = now();
  for (let more = await body.read(); more !== undefined; more = await body.read()) {
    try {
      for (const chunk of more.chunks) {
        if (!bytes.fits(chunk.length)) throw new BodyTooLargeError(`more than ${limit} bytes`);
        bytes.add(chunk);
      }
      const taken = now() - begun;
      if (taken > GRACE + (bytes.content.length / SLOWEST) * 1000) {
        throw new TimeoutError(
          `only ${bytes.content.length} bytes came within ${Math.round(taken / 1000)} s`,
        );
      }
    } catch (error) {
      body.abort();
      throw error;
    } finally {
      more.letGo();
    }
  }
  return bytes.content;
}

/** Lets a connection be used again where the rest of an unwanted body is small, and drops it otherwise. */
export async function discard(body: ResponseBody): Promise<void> {
  const timer = setTimeout(() => body.abort(), DISCARD_WITHIN);
  try {
    await readWhole(body, 64 * 1024);
  } catch {
    // Whatever is wrong with a body that nobody wants is wrong with that connection alone.
    body.abort();
  } finally {
    clearTimeout(timer);
  }
}
