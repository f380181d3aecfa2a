/** A part of a blob that somebody fetches. */
export interface Piece {
  /** The next byte that is missing. */
  at: number;
  /** Behind the last byte to fetch; may be taken back while it is fetched. */
  end: number;
}

/** Bytes. */
export interface PieceSizes {
  /** Less is not worth a request of its own. */
  readonly smallest: number;
  /** Several that fetch are given no more at a time, so that readers in order get it steadily. */
  readonly spread: number;
  /** One source alone is asked for this much at a time, so that others can still join in. */
  readonly largest: number;
}

/** Who fetches which part of a blob. Parts get smaller towards the end, so that a slow source holds little up. */
export class PiecePlan {
  readonly #sizes: PieceSizes;
  /** Parts that nobody fetches, in order. */
  #free: { start: number; end: number }[];
  readonly #taken = new Set<Piece>();

  constructor(size: number, sizes: PieceSizes) {
    this.#sizes = sizes;
    this.#free = size === 0 ? [] : [{ start: 0, end: size }];
  }

  get freeBytes(): number {
    return this.#free.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** Takes the first bytes. @returns undefined when they are taken */
  takeFirst(length: number): Piece | undefined {
    return this.#take(length);
  }

  /**
   * The next part to fetch, in order.
   * @param sharers how many fetch at the same time
   */
  take(sharers: number): Piece | undefined {
    const share = sharers <= 1 ? this.#sizes.largest : Math.min(this.#sizes.spread, this.freeBytes / sharers);
    return this.#take(Math.max(this.#sizes.smallest, Math.ceil(share)));
  }

  /** Adds to a part what comes right behind it and nobody fetches. */
  extend(piece: Piece): void {
    const index = this.#free.findIndex(({ start }) => start === piece.end);
    const [behind] = index < 0 ? [] : this.#free.splice(index, 1);
    if (behind !== undefined) piece.end = behind.end;
  }

  /** Cuts the part that has most left, so that its tail can be taken. @returns whether there was one worth it */
  cutLargest(sharers: number): boolean {
    const [largest] = [...this.#taken].sort((a, b) => b.end - b.at - (a.end - a.at));
    if (largest === undefined) return false;
    const left = largest.end - largest.at;
    const keep = Math.max(this.#sizes.smallest, Math.ceil(left / sharers));
    if (left - keep < this.#sizes.smallest / 2) return false;
    this.#insert(largest.at + keep, largest.end);
    largest.end = largest.at + keep;
    return true;
  }

  /** The one who fetched it stops; what is left can be taken by others. */
  release(piece: Piece): void {
    if (!this.#taken.delete(piece)) return;
    if (piece.at < piece.end) this.#insert(piece.at, piece.end);
  }

  #take(length: number): Piece | undefined {
    const first = this.#free[0];
    if (first === undefined) return undefined;
    // A crumb that would be left over goes along.
    const end =
      first.end - first.start - length < this.#sizes.smallest / 2 ? first.end : first.start + length;
    const piece = { at: first.start, end };
    if (end === first.end) this.#free.shift();
    else first.start = end;
    this.#taken.add(piece);
    return piece;
  }

  #insert(start: number, end: number): void {
    this.#free.push({ start, end });
    this.#free.sort((a, b) => a.start - b.start);
    const joined: { start: number; end: number }[] = [];
    for (const one of this.#free) {
      const last = joined.at(-1);
      if (last !== undefined && last.end === one.start) last.end = one.end;
      else joined.push({ ...one });
    }
    this.#free = joined;
  }
}
