import { setTimeout as delay } from 'node:timers/promises';
import type { Digest } from '../../oci/digest.ts';
import type { BlobAnswer } from '../upstream/blob-requests.ts';
import type { UpstreamClient } from '../upstream/upstream-client.ts';
import {
  UpstreamError,
  UpstreamNotFound,
  UpstreamSlow,
  UpstreamUnreachable,
  UpstreamWrong,
} from '../upstream/upstream-errors.ts';
import type { UpstreamUrl } from '../upstream/upstream-url.ts';
import { clip, lengthOf } from './chunks.ts';
import type { GrowingBlob } from './growing-blob.ts';
import { Landings } from './landings.ts';
import type { Piece, PiecePlan } from './piece-plan.ts';

export interface TransferLimits {
  /** Connections for one blob. */
  readonly connections: number;
  /** Bytes from which several may be used. */
  readonly parallelFrom: number;
  /** Bytes of a large blob that are asked for first, where its size is known beforehand. */
  readonly firstPiece: number;
  /** Bytes; less is not worth a request of its own. */
  readonly smallestPiece: number;
  /** Bytes; one source alone is asked for this much at a time, so that others can still join in. */
  readonly largestPiece: number;
  /** Milliseconds of one connection after which it is judged whether more would help. */
  readonly judgeAfter: number;
  /** Bytes a second that one connection is left alone with: what is faster is held up by something else. */
  readonly fastEnough: number;
  /** Milliseconds that must be left at the rate seen for more connections to be worth it. */
  readonly worthFrom: number;
  /** Milliseconds without a new byte, over all tries, after which it is given up. */
  readonly giveUpAfter: number;
  /** Bytes of a blob whose size nobody tells: what does not end is not a blob. */
  readonly largestUnsized: number;
  /** Tries in a row without a new byte. */
  readonly tries: number;
  /** Milliseconds before the second try; doubled for each further one, up to 4 s. */
  readonly pause: number;
}

export const DEFAULT_TRANSFER_LIMITS: TransferLimits = {
  connections: 8,
  parallelFrom: 16 * 1024 * 1024,
  firstPiece: 8 * 1024 * 1024,
  smallestPiece: 4 * 1024 * 1024,
  largestPiece: 64 * 1024 * 1024,
  judgeAfter: 150,
  fastEnough: 64 * 1024 * 1024,
  worthFrom: 500,
  giveUpAfter: 30_000,
  largestUnsized: 64 * 1024 ** 3,
  tries: 14,
  pause: 100,
};

const LONGEST_PAUSE = 4_000;
const BUSY = 0.8;

/** Counts the connections that fills have beyond their first. */
export interface ExtraConnections {
  /** @returns false when there are enough */
  take(): boolean;
  give(): void;
}

export interface TransferParts {
  readonly client: UpstreamClient;
  /** The name upstream. */
  readonly repository: string;
  readonly digest: Digest;
  readonly blob: GrowingBlob;
  readonly plan: PiecePlan;
  /** The URLs to fetch from, best first. At least one. */
  readonly sources: readonly UpstreamUrl[];
  readonly extra: ExtraConnections;
  /** Bytes of one connection that may wait to be written. */
  readonly unwritten: () => number;
  /** How busy this process is: 0 to 1. */
  readonly busy: () => number;
  readonly limits: TransferLimits;
  /** Milliseconds. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Fetches all of a blob from the URLs of an upstream, resuming what breaks, by several connections where that helps. */
export class Transfer {
  /** Who sent bytes. */
  readonly contributors = new Set<UpstreamUrl>();
  readonly #parts: TransferParts;
  readonly #workers = new Set<Promise<void>>();
  /** Sources that stalled: they get nothing more while another works. */
  readonly #stalled = new Set<UpstreamUrl>();
  /** Sources that answer with the whole, whatever range is asked for. */
  readonly #rangeless = new Set<UpstreamUrl>();
  readonly #began: number;
  #lastByte: number;
  /** Sources that say the blob is not, or another than at first. */
  readonly #out = new Set<UpstreamUrl>();
  readonly #failures = new Map<UpstreamUrl, UpstreamError>();
  /** Connections at most: fewer with each that broke. */
  #most: number;
  #parallel = false;
  /** Tries in a row without a new byte. */
  #fruitless = 0;
  /** Times that everything broke since a megabyte came through. */
  #breaks = 0;
  #sinceBreak = 0;
  #turn = 0;
  #error: unknown;
  #notify: (() => void) | undefined;

  constructor(parts: TransferParts) {
    this.#parts = parts;
    this.#began = parts.now();
    this.#lastByte = this.#began;
    this.#most = parts.limits.connections;
  }

  /**
   * @param first an answer that is here already, and the part that it is used for
   * @throws UpstreamError when it is given up; what the storage threw
   */
  async run(first: { readonly answer: BlobAnswer; readonly piece: Piece }): Promise<void> {
    const { blob, limits, now, signal } = this.#parts;
    this.#start(first.answer.from, first);
    while (!blob.complete) {
      signal.throwIfAborted();
      if (this.#error !== undefined) throw this.#error;
      if (this.#workers.size === 0) await this.#tryAgain();
      this.#useMore();
      await this.#next(this.#mayUseMore() ? limits.judgeAfter : limits.giveUpAfter);
      if (now() - this.#lastByte >= limits.giveUpAfter) throw this.#lastFailure();
    }
    await Promise.all(this.#workers);
  }

  /** Waits until nobody writes any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#workers);
  }

  /** After everything broke: the next source, after a pause that grows. */
  async #tryAgain(): Promise<void> {
    const { limits, signal, sources } = this.#parts;
    if (this.#fruitless >= limits.tries || sources.every((source) => this.#out.has(source))) {
      throw this.#lastFailure();
    }
    if (this.#breaks > 0) {
      await delay(Math.min(limits.pause * 2 ** (this.#breaks - 1), LONGEST_PAUSE), undefined, { signal });
    }
    this.#fruitless++;
    this.#breaks++;
    this.#sinceBreak = 0;
    this.#start(this.#nextSource());
  }

  #useMore(): void {
    const { blob, plan, limits, now } = this.#parts;
    if (!this.#mayUseMore()) return;
    const elapsed = now() - this.#began;
    if (elapsed < limits.judgeAfter || blob.landedBytes === 0) return;
    const left = blob.size - blob.landedBytes;
    if ((left * elapsed) / blob.landedBytes < limits.worthFrom) return;
    const rate = (blob.landedBytes * 1000) / elapsed;
    // Where this process itself is busy, more connections would only keep it busier.
    if (!this.#parallel && (rate > limits.fastEnough || this.#parts.busy() > BUSY)) return;
    this.#parallel = true;
    while (this.#workers.size < this.#most && this.#parts.extra.take()) {
      // Nothing is cut off for it: what a source has sent by then would be sent twice.
      if (plan.freeBytes === 0) {
        this.#parts.extra.give();
        return;
      }
      this.#start(this.#nextSource(), undefined, () => this.#parts.extra.give());
    }
  }

  #mayUseMore(): boolean {
    const { blob, limits, sources } = this.#parts;
    if (!blob.anyOrder || blob.size < limits.parallelFrom || this.#workers.size >= this.#most) return false;
    return this.#fruitless === 0 && sources.some((source) => !this.#rangeless.has(source));
  }

  #nextSource(): UpstreamUrl {
    const { sources } = this.#parts;
    const told = sources.filter((source) => !this.#out.has(source));
    const usable = told.filter((source) => source.unavailable('blob') === undefined);
    const ranged = usable.filter((source) => !this.#rangeless.has(source));
    const lively = ranged.filter((source) => !this.#stalled.has(source));
    const list = [lively, ranged, usable, told].find(({ length }) => length > 0) ?? sources;
    const source = list[this.#turn++ % list.length];
    if (source === undefined) throw new Error('a transfer needs a source');
    return source;
  }

  #start(
    source: UpstreamUrl,
    first?: { readonly answer: BlobAnswer; readonly piece: Piece },
    ended: () => void = () => {},
  ): void {
    const worker = this.#work(source, first)
      .catch((error: unknown) => this.#failed(source, error))
      .finally(() => {
        this.#workers.delete(worker);
        ended();
        this.#notify?.();
      });
    this.#workers.add(worker);
  }

  #failed(source: UpstreamUrl, error: unknown): void {
    if (!(error instanceof UpstreamError)) {
      this.#error ??= error;
      return;
    }
    this.#failures.set(source, error);
    this.#most = Math.max(1, this.#most - 1);
    if (error instanceof UpstreamNotFound || error instanceof OtherBlobError) this.#out.add(source);
    if (error instanceof UpstreamSlow) this.#stalled.add(source);
  }

  #lastFailure(): UpstreamError {
    const errors = [...this.#failures.values()];
    const where = this.#parts.client.name;
    return errors.at(-1) ?? new UpstreamSlow(where, 'sent nothing new for too long');
  }

  /** Fetches part after part until there is none left. */
  async #work(
    source: UpstreamUrl,
    first?: { readonly answer: BlobAnswer; readonly piece: Piece },
  ): Promise<void> {
    const { plan } = this.#parts;
    let piece = first?.piece ?? plan.take(this.#sharers);
    let answer = first?.answer;
    while (piece !== undefined) {
      try {
        await this.#fetch(source, piece, answer);
      } finally {
        plan.release(piece);
      }
      answer = undefined;
      piece = plan.take(this.#sharers) ?? this.#share();
    }
  }

  get #sharers(): number {
    return this.#parallel ? this.#parts.limits.connections : 1;
  }

  /** Half of what somebody else has still to fetch, where that would take very long. */
  #share(): Piece | undefined {
    const { plan, blob, now } = this.#parts;
    const left = blob.size - blob.landedBytes;
    const rate = blob.landedBytes / Math.max(1, now() - this.#began);
    const slow = left / Math.max(rate, 1) > 4 * this.#parts.limits.worthFrom;
    return slow && blob.anyOrder && plan.cutLargest(2) ? plan.take(this.#sharers) : undefined;
  }

  async #fetch(source: UpstreamUrl, piece: Piece, given: BlobAnswer | undefined): Promise<void> {
    const { client, repository, digest, blob, signal } = this.#parts;
    const whole = piece.at === 0 && piece.end === blob.size;
    const range = whole ? undefined : { start: piece.at, end: piece.end - 1 };
    const answer =
      given ??
      (await client.getBlobFrom(source, {
        repository,
        digest,
        signal,
        insist: true,
        ...(range === undefined ? {} : { range }),
      }));
    const { body, carried } = answer;
    try {
      if (carried !== undefined && carried.total !== undefined && carried.total !== blob.size) {
        throw new OtherBlobError(
          source.where,
          `has ${carried.total} bytes where there were ${blob.size} before`,
        );
      }
      const start = carried?.start ?? 0;
      if (start !== piece.at) {
        this.#rangeless.add(source);
        // What comes before is here, or on its way from a source that understands ranges.
        if (this.#workers.size > 1)
          throw new UpstreamWrong(source.where, 'ignores the range it is asked for');
      }
      await this.#receive(source, { piece, start, answer });
    } catch (error) {
      throw source.bodyError(error, signal);
    } finally {
      body.abort();
    }
  }

  /** Lands what a body brings of a part, until the part is here. */
  async #receive(
    source: UpstreamUrl,
    { piece, start, answer }: { piece: Piece; start: number; answer: BlobAnswer },
  ): Promise<void> {
    const landings = new Landings(this.#parts.unwritten);
    let at = start;
    while (piece.at < piece.end) {
      const lent = await answer.body.read();
      if (lent === undefined) throw new UpstreamUnreachable(source.where, 'ended a blob before its end');
      const wanted = clip(lent.chunks, { at, from: piece.at, to: piece.end });
      at += lengthOf(lent.chunks);
      const length = lengthOf(wanted);
      if (length === 0) {
        lent.letGo();
        continue;
      }
      const offset = piece.at;
      piece.at += length;
      this.contributors.add(source);
      this.#lastByte = this.#parts.now();
      this.#fruitless = 0;
      this.#sinceBreak += length;
      if (this.#sinceBreak > 1024 * 1024) this.#breaks = 0;
      const landing = this.#parts.blob.land({ chunks: wanted, letGo: lent.letGo }, offset);
      await landings.add(landing, length);
    }
    await landings.settled();
    // Its end is on its way: the connection can be used again then.
    if (answer.carried !== undefined && at === answer.carried.end + 1) await answer.body.read();
  }

  #next(within: number): Promise<void> {
    if (this.#workers.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#notify = undefined;
        resolve();
      };
      const timer = setTimeout(done, within);
      this.#notify = done;
    });
  }
}

/** A source tells another size of the same blob than the one before. */
class OtherBlobError extends UpstreamWrong {}
