import { reasonOf } from '../operations/error-description.ts';

/** Milliseconds between two warnings about one upstream, which may come and go by the request. */
const PAUSE = 60_000;

export interface OutageLog {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

interface Outage {
  readonly warnedAt: number;
  over: boolean;
}

/** Says when an upstream begins to fail while its stored tags are served, and when it answers again: once each. */
export class Outages {
  readonly #log: OutageLog;
  readonly #now: () => number;
  readonly #last = new Map<string, Outage>();

  /** @param now milliseconds that only go forward */
  constructor(log: OutageLog, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /** A stored tag is served in the place of an answer. */
  bridged(
    error: Error,
    { upstream, repository, tag }: Readonly<Record<'upstream' | 'repository' | 'tag', string>>,
  ): void {
    const reason = reasonOf(error);
    const last = this.#last.get(upstream);
    if (last === undefined || (last.over && this.#now() - last.warnedAt >= PAUSE)) {
      this.#last.set(upstream, { warnedAt: this.#now(), over: false });
      this.#log.warn({ upstream, reason }, 'an upstream fails: its tags are served as they are stored');
    }
    this.#log.debug(
      { upstream, repository, tag, reason },
      'a stored tag is served, since its upstream fails',
    );
  }

  /** The upstream said something that holds. */
  answered(upstream: string): void {
    const last = this.#last.get(upstream);
    if (last === undefined || last.over) return;
    last.over = true;
    this.#log.info({ upstream }, 'an upstream answers again');
  }
}
