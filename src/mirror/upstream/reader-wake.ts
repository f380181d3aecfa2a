/** Milliseconds between two times that a reader is woken for little. */
const LULL = 8;

/**
 * Wakes a reader who waits for what arrives. What comes in many small pieces is worth less each time than what a
 * reader, and all who read behind it, do about it: a few milliseconds gather some of them.
 */
export class ReaderWake {
  #waiting: (() => void) | undefined;
  #lull: NodeJS.Timeout | undefined;
  /** There is something that the reader has not been woken for. */
  #due = false;

  /** Resolves when it is woken. One at a time. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** For what cannot wait. */
  wakeNow(): void {
    this.#due = false;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  /** At once unless it was woken by this a moment ago. */
  wakeSoon(): void {
    this.#due = true;
    if (this.#lull !== undefined) return;
    this.wakeNow();
    this.#lull = setTimeout(() => {
      this.#lull = undefined;
      if (this.#due) this.wakeSoon();
    }, LULL);
  }
}
