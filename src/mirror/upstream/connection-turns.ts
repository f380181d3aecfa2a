/** Who waits for a connection of one line to one server, and how that server does. */
interface Line {
  free: number;
  readonly waiting: Set<Waiting>;
  /** When anything came from the server last. */
  heard: number;
}

interface Waiting {
  go(): void;
  fail(error: Error): void;
}

/** One of the connections of a line, taken by one request. */
export interface ConnectionTurn {
  /** Something came from the server. */
  heard(): void;
  /**
   * The time that the server had for this request is over. Unless it was heard of meanwhile, nobody who waits for a
   * connection to it would fare better: they fail at once, not one after the other.
   */
  silent(error: Error): void;
  /** Gives the connection to the next; calls after the first do nothing. */
  end(): void;
}

/** The connections that may be open to each server: requests beyond wait here, where they can be given up. */
export class ConnectionTurns {
  readonly #now: () => number;
  readonly #lines = new Map<string, Line>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * @param key names line and server
   * @param most connections of a line, at least 1
   * @throws the signal's reason, or what `silent` was given, while it waits
   */
  async take(
    key: string,
    { most, signal }: { readonly most: number; readonly signal: AbortSignal | undefined },
  ): Promise<ConnectionTurn> {
    const line = this.#lines.get(key) ?? { free: most, waiting: new Set(), heard: Number.NEGATIVE_INFINITY };
    this.#lines.set(key, line);
    if (line.free > 0) line.free--;
    else await wait(line, signal);
    const since = this.#now();
    let ended = false;
    return {
      heard: () => {
        line.heard = this.#now();
      },
      silent: (error) => {
        if (line.heard >= since) return;
        for (const { fail } of [...line.waiting]) fail(error);
      },
      end: () => {
        if (ended) return;
        ended = true;
        const [next] = line.waiting;
        if (next !== undefined) return next.go();
        line.free++;
        if (line.free === most) this.#lines.delete(key);
      },
    };
  }
}

function wait({ waiting }: Line, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      waiting.delete(entry);
      signal?.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => entry.fail(asError(signal?.reason));
    const entry: Waiting = {
      go() {
        leave();
        resolve();
      },
      fail(error) {
        leave();
        reject(error);
      },
    };
    waiting.add(entry);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** What a signal was aborted with. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('given up', { cause: reason });
}
