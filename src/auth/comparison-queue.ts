import { RegistryError } from '../oci/errors.ts';
import type { Admission } from './login-throttle.ts';

export interface ComparisonQueueOptions {
  /** Comparisons at a time. */
  readonly concurrency: number;
  /** Comparisons of one address that may wait. */
  readonly waitingPerAddress: number;
  /** Comparisons that may wait in all. */
  readonly waiting: number;
}

export interface Comparison<Result> {
  readonly address: string;
  /** Asked when its turn comes, perhaps several times. What it throws refuses the comparison. */
  admit(): Admission;
  compare(): Promise<Result>;
}

interface Waiting {
  admit(): Admission;
  start(): Promise<void>;
  refuse(reason: unknown): void;
}

/** Some ten seconds of comparisons for one address, at the usual cost. */
export const WAITING_COMPARISONS = { waitingPerAddress: 200, waiting: 2000 };

/** Few comparisons at a time; addresses take turns; what waits is bounded. */
export class ComparisonQueue {
  readonly #options: ComparisonQueueOptions;
  /** In the order of their turns. */
  readonly #addresses = new Map<string, Waiting[]>();
  #running = 0;
  #waiting = 0;

  constructor(options: ComparisonQueueOptions) {
    this.#options = options;
  }

  /** @throws RegistryError TOOMANYREQUESTS when too much waits; what `admit` and `compare` throw */
  run<Result>({ address, admit, compare }: Comparison<Result>): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#enqueue(address, { admit, start: () => compare().then(resolve, reject), refuse: reject });
    this.#pump();
    return promise;
  }

  #enqueue(address: string, comparison: Waiting): void {
    const own = this.#addresses.get(address) ?? [];
    if (own.length >= this.#options.waitingPerAddress) {
      comparison.refuse(busy());
      return;
    }
    if (this.#waiting >= this.#options.waiting) {
      const longest = [...this.#addresses.values()].reduce((one, other) =>
        other.length > one.length ? other : one,
      );
      if (longest.length <= own.length + 1) {
        comparison.refuse(busy());
        return;
      }
      longest.pop()?.refuse(busy());
      this.#waiting -= 1;
    }
    own.push(comparison);
    this.#addresses.set(address, own);
    this.#waiting += 1;
  }

  #pump(): void {
    while (this.#running < this.#options.concurrency) {
      const next = this.#next();
      if (next === undefined) return;
      this.#running += 1;
      void next.start().finally(() => {
        this.#running -= 1;
        this.#pump();
      });
    }
  }

  #next(): Waiting | undefined {
    for (const address of [...this.#addresses.keys()]) {
      const next = this.#nextOf(address);
      if (next !== undefined) return next;
    }
    return undefined;
  }

  /** Refuses on the way whatever may not be compared any more. */
  #nextOf(address: string): Waiting | undefined {
    const own = this.#addresses.get(address) ?? [];
    for (let first = own[0]; first !== undefined; first = own[0]) {
      let admission: Admission;
      try {
        admission = first.admit();
      } catch (refusal) {
        this.#take(address, own);
        first.refuse(refusal);
        continue;
      }
      if (admission === 'wait') return undefined;
      this.#take(address, own);
      return first;
    }
    return undefined;
  }

  /** The address goes behind the others. */
  #take(address: string, own: Waiting[]): void {
    own.shift();
    this.#waiting -= 1;
    this.#addresses.delete(address);
    if (own.length > 0) this.#addresses.set(address, own);
  }
}

function busy(): RegistryError {
  return new RegistryError('TOOMANYREQUESTS', {
    message: 'too many logins at once: try again in a moment',
    headers: { 'retry-after': '1' },
  });
}
