import { PartProgress } from './part-progress.ts';
import type { Piece, PiecePlan } from './piece-plan.ts';
import type { TransferLimits } from './transfer-limits.ts';

/** Judgements in a row: any line takes a moment now and then. */
const PROOF = 3;
/** How much faster another connection must have been. */
const FASTER = 8;
/** Connections of one fill that are given up because others were faster. */
const MOST_OUTRUN = 8;

type CrawlLimits = Pick<TransferLimits, 'crawlAfter' | 'crawlsFrom' | 'shareFrom' | 'smallestPiece'>;

interface Watched {
  readonly giveUp: () => void;
  /** Judgements in a row that it is too slow. */
  slow: number;
}

/**
 * Finds connections that bring something, so that they do not stall, but next to nothing: what they should have
 * brought is asked for anew, of another URL where there is one. Only what the upstream makes this process wait for
 * counts against them.
 */
export class Crawling {
  readonly #limits: CrawlLimits;
  readonly #plan: Pick<PiecePlan, 'freeBytes'>;
  readonly #watched = new Map<PartProgress, Watched>();
  /** Bytes a millisecond that one connection brought. */
  #fastest = 0;
  /** How many may be given up though none was seen to be faster: one for each URL. */
  #unproven: number;
  #outrun = MOST_OUTRUN;

  constructor(parts: {
    readonly limits: CrawlLimits;
    readonly plan: Pick<PiecePlan, 'freeBytes'>;
    readonly sources: number;
  }) {
    this.#limits = parts.limits;
    this.#plan = parts.plan;
    this.#unproven = parts.sources;
  }

  /**
   * @param giveUp ends the connection; called at most once, and not after `end`
   */
  watch(piece: Piece, now: number, giveUp: () => void): PartProgress {
    const progress = new PartProgress(piece, now);
    this.#watched.set(progress, { giveUp, slow: 0 });
    return progress;
  }

  end(progress: PartProgress, now: number): void {
    this.#watched.delete(progress);
    const { bytes, elapsed } = progress.whole(now);
    // Less may have been in memory already.
    if (bytes < this.#limits.smallestPiece / 2) return;
    this.#fastest = Math.max(this.#fastest, bytes / Math.max(1, elapsed));
  }

  /** @param now milliseconds */
  judge(now: number): void {
    for (const [progress, watched] of this.#watched) {
      if (progress.age(now) < this.#limits.crawlAfter || !this.#crawls(progress, watched, now)) continue;
      this.#watched.delete(progress);
      watched.giveUp();
    }
  }

  #crawls(progress: PartProgress, watched: Watched, now: number): boolean {
    const { smallestPiece, crawlsFrom, shareFrom } = this.#limits;
    const { left } = progress;
    const { bytes, elapsed, waited } = progress.judged(now);
    const rate = bytes / elapsed;
    // More than this is shared with others.
    const alone = Math.min(left, 1.5 * smallestPiece);
    const outrun =
      waited && this.#plan.freeBytes === 0 && this.#fastest >= FASTER * rate && left >= rate * shareFrom;
    const crawls = waited && alone >= rate * crawlsFrom;
    // What brings nothing stalls, which has a time of its own.
    if (bytes === 0 && !outrun) return false;
    watched.slow = outrun || crawls ? watched.slow + 1 : 0;
    if (watched.slow < PROOF) return false;
    if (outrun && this.#outrun > 0) {
      this.#outrun--;
      return true;
    }
    if (!crawls || this.#unproven === 0) return false;
    this.#unproven--;
    return true;
  }
}
