import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryOptions {
  /** Milliseconds from the first try in which a new one may start. */
  readonly retryFor: number;
  /** Longest pause between two tries, in milliseconds. */
  readonly retryPause: number;
  readonly isPassing: (error: unknown) => boolean;
  readonly signal?: AbortSignal | undefined;
}

const FIRST_PAUSE = 50;

/**
 * Tries until it works, the failure is not a passing one, or the time is over. Pauses grow and are random, so
 * that many who failed together do not come back together.
 * @param attempt is told how many tries went before
 */
export async function retrying<Result>(
  attempt: (before: number) => Promise<Result>,
  { retryFor, retryPause, isPassing, signal }: RetryOptions,
): Promise<Result> {
  const end = performance.now() + retryFor;
  for (let before = 0; ; before += 1) {
    try {
      return await attempt(before);
    } catch (error) {
      if (signal?.aborted || !isPassing(error)) throw error;
      const most = Math.min(FIRST_PAUSE * 2 ** before, retryPause);
      const pause = most * (0.5 + Math.random() / 2);
      if (performance.now() + pause >= end) throw error;
      await sleep(pause, undefined, signal === undefined ? {} : { signal });
    }
  }
}
