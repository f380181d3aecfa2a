import type { TransferLimits } from './transfer-limits.ts';

/**
 * Times in a row that it must be found slow: the first bytes come slowly to a process that has just started, and
 * now and then a disk or a processor takes a moment.
 */
const PROOF = 2;

type PaceLimits = Pick<TransferLimits, 'judgeAfter' | 'fastEnough' | 'worthFrom'>;

/** How fast one connection alone brings a blob, judged by what came since it was judged last. */
export class Pace {
  readonly #limits: PaceLimits;
  #since: number;
  #landed = 0;
  #slow = 0;

  /** @param now milliseconds */
  constructor(limits: PaceLimits, now: number) {
    this.#limits = limits;
    this.#since = now;
  }

  /**
   * Whether several connections would be faster.
   * @param at `now` in milliseconds; bytes `landed` since the beginning, and `left`
   */
  isSlow({ now, landed, left }: { now: number; landed: number; left: number }): boolean {
    const { judgeAfter, fastEnough, worthFrom } = this.#limits;
    const elapsed = now - this.#since;
    const came = landed - this.#landed;
    if (elapsed < judgeAfter || came === 0) return false;
    this.#since = now;
    this.#landed = landed;
    const rate = (came * 1000) / elapsed;
    this.#slow = rate > fastEnough ? 0 : this.#slow + 1;
    return this.#slow >= PROOF && (left * 1000) / rate >= worthFrom;
  }
}
