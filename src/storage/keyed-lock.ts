/**
 * Lets one piece of work at a time go on for a key, in the order of asking. Only within this process, and never to
 * be held while a client or an upstream is waited for.
 */
export class KeyedLock {
  readonly #last = new Map<string, Promise<void>>();

  /** @throws whatever `work` throws */
  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key);
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#last.set(key, ended);
    try {
      await before;
      return await work();
    } finally {
      if (this.#last.get(key) === ended) this.#last.delete(key);
      end();
    }
  }
}
