import { type ResponseHeaders, single } from './transport.ts';

/** Milliseconds; what an upstream may ask for at most, so that a wrong clock does not shut it out for years. */
const LONGEST = 24 * 3_600_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

/**
 * A `Retry-After`: seconds or a date, RFC 9110 section 10.2.3.
 * @param now milliseconds since the epoch, by the clock of whoever sent it
 * @returns milliseconds from now, above 0; undefined where no time to wait can be read from it
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const wait = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(wait) && wait > 0 ? Math.min(wait, LONGEST) : undefined;
}

/** The same of an answer, whose `Date` tells what the server takes for now. */
export function retryAfterOf(headers: ResponseHeaders, now: number): number | undefined {
  const sent = Date.parse(single(headers, 'date') ?? '');
  return parseRetryAfter(single(headers, 'retry-after'), Number.isNaN(sent) ? now : sent);
}

/** Until when one URL, which said 429, is not asked. */
export class RequestLimit {
  readonly #now: () => number;
  #until = 0;
  #pause = FIRST_PAUSE;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Seconds for which nothing may be asked, rounded up; 0 when it may. */
  get wait(): number {
    return Math.max(0, Math.ceil((this.#until - this.#now()) / 1000));
  }

  /** Notes a 429. Without a time it is a second, doubled each time up to half a minute. */
  limited(headers: ResponseHeaders): void {
    const named = retryAfterOf(headers, this.#now());
    const wait = named ?? this.#pause;
    if (named === undefined) this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    this.#until = Math.max(this.#until, this.#now() + wait);
  }

  /** Notes an answer that was none. */
  answered(): void {
    this.#pause = FIRST_PAUSE;
  }
}

/** `ratelimit-limit: 100;w=21600` and `ratelimit-remaining: 20;w=21600`, as Docker Hub sends them. */
export function parseRateLimit(
  limit: string | undefined,
  remaining: string | undefined,
): { limit?: number; remaining?: number; window?: number } | undefined {
  const total = parseQuota(limit);
  const left = parseQuota(remaining);
  if (total === undefined && left === undefined) return undefined;
  const window = left?.window ?? total?.window;
  return {
    ...(total === undefined ? {} : { limit: total.count }),
    ...(left === undefined ? {} : { remaining: left.count }),
    ...(window === undefined ? {} : { window }),
  };
}

function parseQuota(header: string | undefined): { count: number; window: number | undefined } | undefined {
  const match = /^\s*(\d{1,12})\s*(?:;\s*w=(\d{1,12}))?/.exec(header ?? '');
  if (match === null) return undefined;
  return { count: Number(match[1]), window: match[2] === undefined ? undefined : Number(match[2]) };
}
