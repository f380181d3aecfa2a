import { setTimeout as delay } from 'node:timers/promises';
import type { BlobAnswer } from '../upstream/blob-requests.ts';
import {
  UpstreamError,
  UpstreamSlow,
  UpstreamUnreachable,
  UpstreamWrong,
} from '../upstream/upstream-errors.ts';
import type { UpstreamUrl } from '../upstream/upstream-url.ts';
import { clip, lengthOf } from './chunks.ts';
import { Crawling } from './crawling.ts';
import { Landings } from './landings.ts';
import { Pace } from './pace.ts';
import type { PartProgress } from './part-progress.ts';
import type { Piece } from './piece-plan.ts';
import { pauseAfter } from './transfer-limits.ts';
import type { Beginning, TransferParts } from './transfer-parts.ts';
import { mustBeSameBlob, TransferSources } from './transfer-sources.ts';

const BUSY = 0.8;
/** Bytes; less of what was asked for is no answer to ask again after at once. */
const WORTH_ASKING = 64 * 1024;

/** Fetches all of a blob from the URLs of an upstream, resuming what breaks, by several connections where that helps. */
export class Transfer {
  /** Who sent bytes. */
  readonly contributors = new Set<UpstreamUrl>();
  readonly #parts: TransferParts;
  readonly #workers = new Set<Promise<void>>();
  readonly #sources: TransferSources;
  readonly #began: number;
  readonly #pace: Pace;
  readonly #crawling: Crawling;
  #lastByte: number;
  /** Connections that wait for the storage: no byte can come from them. */
  #storing = 0;
  /** Connections at most: fewer with each that broke. */
  #most: number;
  #parallel = false;
  /** Tries in a row without a new byte. */
  #fruitless = 0;
  /** Times that everything broke since a megabyte came through. */
  #breaks = 0;
  #sinceBreak = 0;
  #error: unknown;
  #notify: (() => void) | undefined;

  constructor(parts: TransferParts) {
    this.#parts = parts;
    this.#began = parts.now();
    this.#pace = new Pace(parts.limits, this.#began);
    this.#lastByte = this.#began;
    this.#most = parts.limits.connections;
    this.#sources = new TransferSources(parts.sources);
    const { limits, plan, sources } = parts;
    this.#crawling = new Crawling({ limits, plan, sources: sources.length });
  }

  /** Who told another size. */
  get contradicting(): ReadonlySet<UpstreamUrl> {
    return this.#sources.contradicting;
  }

  /**
   * @param first an answer that is here already, and the part that it is used for
   * @throws UpstreamError when it is given up; what the storage threw
   */
  async run(first: { readonly answer: BlobAnswer; readonly piece: Piece }): Promise<void> {
    const { blob, limits, now, signal } = this.#parts;
    this.#start(first.answer.from, { kind: 'answered', ...first });
    while (!blob.complete) {
      signal.throwIfAborted();
      if (this.#error !== undefined) throw this.#error;
      if (this.#workers.size === 0) await this.#tryAgain();
      this.#useMore();
      await this.#next(
        this.#mayUseMore() ? limits.judgeAfter : Math.min(limits.crawlAfter, limits.giveUpAfter),
      );
      this.#crawling.judge(now());
      if (this.#storing === 0 && now() - this.#lastByte >= limits.giveUpAfter) throw this.#lastFailure();
    }
    await Promise.all(this.#workers);
  }

  /** Waits until nothing lands any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#workers);
  }

  /** After everything broke: the next source, after a pause that grows. */
  async #tryAgain(): Promise<void> {
    const { limits, signal } = this.#parts;
    if (this.#fruitless >= limits.tries || this.#sources.exhausted) throw this.#lastFailure();
    if (this.#breaks > 0) {
      await delay(pauseAfter(limits, this.#breaks - 1), undefined, { signal });
    }
    this.#fruitless++;
    this.#breaks++;
    this.#sinceBreak = 0;
    this.#start(this.#sources.next());
  }

  #useMore(): void {
    if (!this.#mayUseMore() || !(this.#parallel || this.#wantsMore())) return;
    const { plan, extra } = this.#parts;
    this.#parallel = true;
    // Nothing is cut off for them: what a source has sent by then would be sent twice.
    const most = Math.min(this.#most - this.#workers.size, extra.left);
    for (let sharers = most; sharers > 0 && plan.freeBytes > 0; sharers--) {
      extra.take();
      // One alone would be given a large part.
      this.#start(this.#sources.next(), { kind: 'extra', sharers: Math.max(2, sharers) });
    }
  }

  #mayUseMore(): boolean {
    const { blob, limits } = this.#parts;
    if (!blob.anyOrder || blob.size < limits.parallelFrom || this.#workers.size >= this.#most) return false;
    return this.#fruitless === 0 && this.#sources.ranged;
  }

  /** Whether several connections would be faster than one. */
  #wantsMore(): boolean {
    const { blob, limits, now, firstAnswer, busy } = this.#parts;
    // One connection over a long way is slow for certain, and what it takes to find out would be lost.
    if (firstAnswer >= limits.farFrom) return true;
    const landed = blob.landedBytes;
    // Where this process itself is busy, more connections would only keep it busier.
    return this.#pace.isSlow({ now: now(), landed, left: blob.size - landed }) && busy() <= BUSY;
  }

  #start(source: UpstreamUrl, how: Beginning = { kind: 'alone' }): void {
    const worker = this.#work(source, how)
      .catch((error: unknown) => this.#failed(source, error))
      .finally(() => {
        this.#workers.delete(worker);
        if (how.kind === 'extra') this.#parts.extra.give();
        this.#notify?.();
      });
    this.#workers.add(worker);
  }

  #failed(source: UpstreamUrl, error: unknown): void {
    if (!(error instanceof UpstreamError)) {
      this.#error ??= error;
      return;
    }
    this.#most = Math.max(1, this.#most - 1);
    this.#sources.failed(source, error);
  }

  #lastFailure(): UpstreamError {
    const where = this.#parts.client.name;
    return this.#sources.lastFailure ?? new UpstreamSlow(where, 'sent nothing new for too long');
  }

  /** Fetches part after part until there is none left. */
  async #work(source: UpstreamUrl, how: Beginning): Promise<void> {
    const { plan, extra } = this.#parts;
    let piece =
      how.kind === 'answered' ? how.piece : plan.take(how.kind === 'extra' ? how.sharers : this.#sharers);
    let answer = how.kind === 'answered' ? how.answer : undefined;
    // Nobody waits for the last of them here: a write that fails is told to whoever waits for all.
    const landings = new Landings(this.#parts.unwritten);
    while (piece !== undefined) {
      try {
        await this.#fetch(source, { piece, given: answer, landings });
      } finally {
        plan.release(piece);
      }
      if (how.kind === 'extra' && extra.tooMany) return;
      answer = undefined;
      piece = plan.take(this.#sharers) ?? this.#share();
    }
  }

  get #sharers(): number {
    return this.#parallel ? Math.max(2, this.#workers.size) : 1;
  }

  /** Half of what somebody else has still to fetch, where that would take very long. */
  #share(): Piece | undefined {
    const { plan, blob, now } = this.#parts;
    const left = blob.size - blob.landedBytes;
    const rate = blob.landedBytes / Math.max(1, now() - this.#began);
    const slow = left / Math.max(rate, 1) > this.#parts.limits.shareFrom;
    const mayCut = slow && blob.anyOrder && this.#parts.busy() <= BUSY;
    return mayCut && plan.cutLargest(2) ? plan.take(this.#sharers) : undefined;
  }

  async #fetch(
    source: UpstreamUrl,
    {
      piece,
      given,
      landings,
    }: { readonly piece: Piece; readonly given: BlobAnswer | undefined; readonly landings: Landings },
  ): Promise<void> {
    const { client, repository, digest, blob, plan, now, signal } = this.#parts;
    const whole = piece.at === 0 && piece.end === blob.size;
    const range = whole ? undefined : { start: piece.at, end: piece.end - 1 };
    const shortcut = this.#sources.shortcut(source);
    const answer =
      given ??
      (await client.getBlobFrom(source, {
        repository,
        digest,
        signal,
        insist: true,
        range,
        shortcut,
      }));
    // One that was used tells nothing new: it may be given up by now.
    if (answer.shortcut !== shortcut) this.#sources.learnt(source, answer.shortcut);
    const { body, carried } = answer;
    let crawled = false;
    const progress = this.#crawling.watch(piece, now(), () => {
      crawled = true;
      body.abort();
    });
    try {
      mustBeSameBlob(source, { total: carried?.total, size: blob.size });
      const start = carried?.start ?? 0;
      if (start !== piece.at) {
        this.#sources.ignoresRanges(source);
        // What comes before is here, or on its way from a source that understands ranges.
        if (this.#workers.size > 1)
          throw new UpstreamWrong(source.where, 'ignores the range it is asked for');
        // All that is missing is on its way: to ask for it by parts would bring what comes before each again.
        plan.extend(piece);
      }
      await this.#receive(source, { piece, start, answer, landings, progress });
    } catch (error) {
      if (crawled) throw new UpstreamSlow(source.where, 'sends next to nothing');
      throw source.bodyError(error, signal);
    } finally {
      this.#crawling.end(progress, now());
      body.abort();
    }
  }

  /** Lands what a body brings of a part, until the part is here. */
  async #receive(
    source: UpstreamUrl,
    {
      piece,
      start,
      answer,
      landings,
      progress,
    }: { piece: Piece; start: number; answer: BlobAnswer; landings: Landings; progress: PartProgress },
  ): Promise<void> {
    const { blob, now } = this.#parts;
    const { body, carried } = answer;
    let at = start;
    while (piece.at < piece.end) {
      progress.waits(now());
      const lent = await body.read();
      progress.came(now());
      if (lent === undefined) {
        // A server may send less than it is asked for, and says so.
        if (carried !== undefined && at === carried.end + 1 && at - start >= WORTH_ASKING) return;
        throw new UpstreamUnreachable(source.where, 'ended a blob before its end');
      }
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
      this.#fruitless = 0;
      this.#sinceBreak += length;
      if (this.#sinceBreak > 1024 * 1024) this.#breaks = 0;
      const landing = blob.land({ chunks: wanted, letGo: lent.letGo }, offset);
      this.#storing++;
      try {
        await landings.add(landing, length);
      } finally {
        this.#storing--;
        this.#lastByte = now();
      }
    }
    // Its end is on its way: the connection can be used again then.
    if (carried !== undefined && at === carried.end + 1) await body.read();
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
