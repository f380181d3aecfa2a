/** Milliseconds. */
const REMEMBERED = 3_600_000;

/** Whether one URL was seen lately to tell no digest by HEAD, so that its manifests are asked for by GET at once. */
export class MissingHeads {
  readonly #now: () => number;
  #until = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  get expected(): boolean {
    return this.#now() < this.#until;
  }

  /** A HEAD was refused, or told no digest. */
  seen(): void {
    this.#until = this.#now() + REMEMBERED;
  }
}
