import { constants } from 'node:os';

/** The part of `process` that is needed. */
export interface SignalSource {
  on(signal: StopSignal, listener: (signal: StopSignal) => void): unknown;
  off(signal: StopSignal, listener: (signal: StopSignal) => void): unknown;
}

export type StopSignal = 'SIGTERM' | 'SIGINT';

const STOP_SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT'];

/** Milliseconds within which several signals are one: npm and the terminal both deliver Ctrl-C. */
const SAME_SIGNAL = 1_000;

export interface StopOptions {
  /** Closes everything; the process ends with 0 once it did, with 1 when it fails. */
  readonly stop: (signal: StopSignal) => Promise<void>;
  readonly exit: (code: number) => void;
  /** Milliseconds that only go forward. */
  readonly now?: () => number;
}

/**
 * The first signal stops; one that comes more than a second later ends the process at once, with the code that a
 * shell gives a signalled one.
 * @returns what takes the listeners away
 */
export function stopOnSignals(source: SignalSource, options: StopOptions): () => void {
  const { stop, exit, now = () => performance.now() } = options;
  let first: number | undefined;
  const onSignal = (signal: StopSignal) => {
    if (first === undefined) {
      first = now();
      stop(signal).then(
        () => exit(0),
        () => exit(1),
      );
    } else if (now() - first > SAME_SIGNAL) {
      exit(128 + constants.signals[signal]);
    }
  };
  for (const signal of STOP_SIGNALS) source.on(signal, onSignal);
  return () => {
    for (const signal of STOP_SIGNALS) source.off(signal, onSignal);
  };
}
