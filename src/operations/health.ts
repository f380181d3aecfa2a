import { type HealthCheck, messageOf } from './health-checks.ts';

/** Milliseconds between two looks where nothing is said, as in distribution. */
const DEFAULT_INTERVAL = 10_000;

export interface Health extends Disposable {
  /** Nothing to say: every check is well. */
  readonly healthy: boolean;
  /** What is wrong, by the check's name. */
  failures(): Readonly<Record<string, string>>;
}

class Poll {
  readonly #check: HealthCheck;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #inARow = 0;
  #last: string | undefined;

  constructor(check: HealthCheck) {
    this.#check = check;
    void this.#look();
  }

  /** A failure counts once it has come `threshold` times in a row. */
  get failure(): string | undefined {
    return this.#inARow >= Math.max(1, this.#check.threshold ?? 1) ? this.#last : undefined;
  }

  async #look(): Promise<void> {
    try {
      await this.#check.run(this.#stopping.signal);
      this.#inARow = 0;
    } catch (error) {
      this.#inARow += 1;
      this.#last = messageOf(error);
    }
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#look(), this.#check.interval ?? DEFAULT_INTERVAL);
    this.#timer.unref();
  }

  stop(): void {
    this.#stopping.abort();
    clearTimeout(this.#timer);
  }
}

/** Looks at each check at once and then at its interval, until disposed. */
export function watchHealth(checks: readonly HealthCheck[]): Health {
  const polls = new Map(checks.map((check) => [check.name, new Poll(check)]));
  const all = [...polls.values()];
  return {
    get healthy() {
      return all.every((poll) => poll.failure === undefined);
    },
    failures() {
      const failing = [...polls].flatMap(([name, { failure }]) =>
        failure === undefined ? [] : [[name, failure]],
      );
      return Object.fromEntries(failing);
    },
    [Symbol.dispose]() {
      for (const poll of all) poll.stop();
    },
  };
}
