/** Milliseconds. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 15_000;
/** Answers of 5xx in a row after which a URL counts as down. */
const FAILURES = 5;

/**
 * Keeps requests from a URL that does not work, so that nobody waits for what is known. When the pause is over one
 * request tries; the others go on failing at once until it is known how it ended.
 */
export class Breaker {
  readonly #now: () => number;
  #error: Error | undefined;
  #until = 0;
  #pause = FIRST_PAUSE;
  #failures = 0;
  #probing = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Why nothing is asked now; undefined when the next request may go. */
  get openFor(): Error | undefined {
    if (this.#error === undefined) return undefined;
    return this.#probing || this.#now() < this.#until ? this.#error : undefined;
  }

  /** Whether the last thing seen was a failure. */
  get troubled(): boolean {
    return this.#error !== undefined || this.#failures > 0;
  }

  /** Whether what failed may be looked at again. */
  get due(): boolean {
    return this.troubled && !this.#probing && this.#now() >= this.#until;
  }

  /** Called as a request leaves; exactly one of the other three must follow. */
  begin(): void {
    if (this.#error !== undefined) this.#probing = true;
  }

  /** It answered, whatever it said. */
  worked(): void {
    this.#error = undefined;
    this.#failures = 0;
    this.#pause = FIRST_PAUSE;
    this.#probing = false;
  }

  /** Nothing is known: the one who asked gave up. */
  unknown(): void {
    this.#probing = false;
  }

  /** It could not be reached or took too long (`down`), or answered that it failed (`failing`). */
  failed(error: Error, how: 'down' | 'failing'): void {
    const probe = this.#probing;
    this.#probing = false;
    this.#failures++;
    if (how === 'failing' && this.#failures < FAILURES && this.#error === undefined) {
      this.#until = this.#now() + this.#pause;
      return;
    }
    if (probe || this.#error === undefined) {
      this.#until = this.#now() + this.#pause;
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    }
    this.#error = error;
  }
}
