import type { Piece } from './piece-plan.ts';

/** What a connection brought since it was judged last. */
export interface Brought {
  /** Bytes. */
  readonly bytes: number;
  /** Milliseconds. */
  readonly elapsed: number;
  /** Whether it was the upstream that took most of the time. */
  readonly waited: boolean;
}

/** How one connection gets on with its part. Times are in milliseconds. */
export class PartProgress {
  readonly piece: Piece;
  readonly #from: number;
  readonly #began: number;
  #at: number;
  #since: number;
  #waited = 0;
  #waitingSince: number | undefined;

  constructor(piece: Piece, now: number) {
    this.piece = piece;
    this.#from = piece.at;
    this.#at = piece.at;
    this.#began = now;
    this.#since = now;
  }

  /** Bytes that are still to come. */
  get left(): number {
    return this.piece.end - this.piece.at;
  }

  /** More is waited for. */
  waits(now: number): void {
    this.#waitingSince = now;
  }

  /** It has come, or the end has. */
  came(now: number): void {
    this.#waited += now - (this.#waitingSince ?? now);
    this.#waitingSince = undefined;
  }

  /** Since it was judged last. */
  age(now: number): number {
    return now - this.#since;
  }

  judged(now: number): Brought {
    if (this.#waitingSince !== undefined) {
      this.came(now);
      this.waits(now);
    }
    const elapsed = this.age(now);
    const brought = { bytes: this.piece.at - this.#at, elapsed, waited: this.#waited >= elapsed / 2 };
    this.#at = this.piece.at;
    this.#since = now;
    this.#waited = 0;
    return brought;
  }

  /** All that it brought. */
  whole(now: number): Pick<Brought, 'bytes' | 'elapsed'> {
    return { bytes: this.piece.at - this.#from, elapsed: now - this.#began };
  }
}
