/** A number of places that work under way takes; who finds none waits for one, in order. */
export class Places {
  #free: number;
  readonly #waiting: { readonly enter: () => void; readonly refuse: (reason: Error) => void }[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  /** Resolves when there is a place; `leave` must be called for it once. @throws what `refuse` was given */
  async enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((enter, refuse) => this.#waiting.push({ enter, refuse }));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next.enter();
  }

  /** Nobody who waits now gets a place. */
  refuse(reason: Error): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(reason);
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.enter();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }
}
