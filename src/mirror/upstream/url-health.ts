import { Breaker } from './breaker.ts';
import { RedirectedError } from './elsewhere-errors.ts';
import { parseRateLimit, RequestLimit } from './request-limit.ts';
import { type HopResponse, single } from './transport.ts';
import { typedError } from './typed-error.ts';
import {
  type UpstreamError,
  UpstreamFailed,
  UpstreamLimited,
  UpstreamSlow,
  UpstreamUnreachable,
} from './upstream-errors.ts';
import type { UpstreamMetrics } from './upstream-options.ts';

/** What a request is for: limits hold for manifests and lists, and for blobs, each by themselves. */
export type Purpose = 'manifest' | 'list' | 'blob';

export interface UrlHealthOptions {
  /** The upstream's name. */
  readonly upstream: string;
  /** Host and port. */
  readonly where: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly metrics: UpstreamMetrics | undefined;
}

/** What is known of one URL: whether it works, and until when it wants to be left alone. */
export class UrlHealth {
  readonly #at: { readonly upstream: string; readonly url: string };
  readonly #metrics: UpstreamMetrics | undefined;
  readonly #breaker: Breaker;
  readonly #manifestLimit: RequestLimit;
  readonly #blobLimit: RequestLimit;

  constructor({ upstream, where, now, metrics }: UrlHealthOptions) {
    this.#at = { upstream, url: where };
    this.#metrics = metrics;
    this.#breaker = new Breaker(now);
    this.#manifestLimit = new RequestLimit(now);
    this.#blobLimit = new RequestLimit(now);
  }

  /** Whether the last thing seen of it was a failure. */
  get troubled(): boolean {
    return this.#breaker.troubled;
  }

  /** Whether it failed, and may be looked at again. */
  get due(): boolean {
    return this.#breaker.due;
  }

  /**
   * Why a request of this kind would not even be sent; undefined when it would.
   * @param insist it is sent even to what counts as down
   */
  unavailable(purpose: Purpose, insist?: true): UpstreamError | undefined {
    const { wait } = this.#limit(purpose);
    if (wait > 0) return new UpstreamLimited(this.#at.url, wait);
    if (insist === true) return undefined;
    const open = this.#breaker.openFor;
    return open === undefined ? undefined : typedError(this.#at.url, open);
  }

  /** A request goes out: one of `worked`, `failed` follows. */
  begin(): void {
    this.#breaker.begin();
  }

  /** An answer came, whatever it is worth. */
  answered(purpose: Purpose, { status, headers }: HopResponse): void {
    const told = parseRateLimit(single(headers, 'ratelimit-limit'), single(headers, 'ratelimit-remaining'));
    if (told !== undefined) this.#metrics?.limit(this.#at, told);
    this.#metrics?.request(this.#at, `${Math.floor(status / 100)}xx`);
    if (status === 429) this.#limit(purpose).limited(headers);
    else if (status < 500) this.#limit(purpose).answered();
  }

  /** After a 429: seconds, at least 1. */
  retryAfter(purpose: Purpose): number {
    return Math.max(1, this.#limit(purpose).wait);
  }

  worked(): void {
    this.#breaker.worked();
  }

  /** @param error undefined: it ended by something that the upstream did not do */
  failed(error: UpstreamError | undefined): void {
    if (error === undefined) {
      this.#breaker.unknown();
    } else if (error instanceof UpstreamUnreachable || error instanceof UpstreamSlow) {
      this.#metrics?.request(this.#at, error instanceof UpstreamSlow ? 'slow' : 'unreachable');
      // The URL itself answered, by a redirect: it may well have what is not behind that.
      this.#breaker.failed(error, error.cause instanceof RedirectedError ? 'failing' : 'down');
    } else if (error instanceof UpstreamFailed) {
      this.#breaker.failed(error, 'failing');
    } else {
      this.#breaker.worked();
    }
  }

  #limit(purpose: Purpose): RequestLimit {
    return purpose === 'blob' ? this.#blobLimit : this.#manifestLimit;
  }
}
