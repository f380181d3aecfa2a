interface Interval {
  /** First byte. */
  readonly start: number;
  /** Behind the last one. */
  readonly end: number;
}

/** Which bytes of a content are here: intervals in order, joined where they touch. */
export class LandedRanges {
  #intervals: Interval[] = [];
  #bytes = 0;

  /** How many bytes are here. */
  get bytes(): number {
    return this.#bytes;
  }

  add(start: number, end: number): void {
    if (end <= start) return;
    const before = this.#intervals.filter((one) => one.end < start);
    const behind = this.#intervals.filter((one) => one.start > end);
    const touched = this.#intervals.slice(before.length, this.#intervals.length - behind.length);
    const joined = {
      start: Math.min(start, touched[0]?.start ?? start),
      end: Math.max(end, touched.at(-1)?.end ?? end),
    };
    this.#bytes += joined.end - joined.start - touched.reduce((sum, one) => sum + one.end - one.start, 0);
    this.#intervals = [...before, joined, ...behind];
  }

  /** The end of what is here without a gap from `position` on; `position` itself where that byte is missing. */
  endFrom(position: number): number {
    const found = this.#intervals.find((one) => one.start <= position && position < one.end);
    return found?.end ?? position;
  }

  /** What is missing between two positions, in order. */
  missing(start: number, end: number): Interval[] {
    const gaps: Interval[] = [];
    let at = start;
    for (const one of this.#intervals) {
      if (one.end <= at) continue;
      if (one.start >= end) break;
      if (one.start > at) gaps.push({ start: at, end: one.start });
      at = one.end;
    }
    if (at < end) gaps.push({ start: at, end });
    return gaps;
  }
}
