interface Runs<Result> {
  readonly running: Promise<Result>;
  next: Promise<Result> | undefined;
}

/**
 * Work that many ask for and one run can do for all, as long as it begins after they asked: an fsync of a
 * directory, a reading of its names. At most one run a key is under way, and at most one waits.
 */
export class SharedRuns<Result> {
  readonly #work: (key: string) => Promise<Result>;
  readonly #runs = new Map<string, Runs<Result>>();

  constructor(work: (key: string) => Promise<Result>) {
    this.#work = work;
  }

  /** Resolves with a run that begins now or later, never with one that is under way already. */
  run(key: string): Promise<Result> {
    const runs = this.#runs.get(key);
    if (runs === undefined) return this.#start(key);
    runs.next ??= runs.running.then(
      () => this.#start(key),
      () => this.#start(key),
    );
    return runs.next;
  }

  #start(key: string): Promise<Result> {
    const runs: Runs<Result> = { running: this.#work(key), next: undefined };
    this.#runs.set(key, runs);
    const ended = () => {
      if (runs.next === undefined) this.#runs.delete(key);
    };
    runs.running.then(ended, ended);
    return runs.running;
  }
}
