import type { CredentialSource } from './credentials.ts';

/** Milliseconds. */
export interface UpstreamTimeouts {
  /** DNS, TCP and TLS together. */
  readonly connect: number;
  /** From the request to the answer's headers. */
  readonly firstByte: number;
  /** Between two pieces of a body. */
  readonly stall: number;
}

export const DEFAULT_UPSTREAM_TIMEOUTS: UpstreamTimeouts = {
  connect: 5_000,
  firstByte: 10_000,
  stall: 10_000,
};

/** Proxies for what goes out, as in the environment variables of these names. */
export interface OutgoingProxies {
  readonly http?: string | undefined;
  readonly https?: string | undefined;
  readonly no?: string | undefined;
}

/** What the client counts. `url` is host and port of one configured URL. */
export interface UpstreamMetrics {
  /** The limit that an upstream told with an answer: requests left of so many, in a window of seconds. */
  limit(
    at: { readonly upstream: string; readonly url: string },
    told: { readonly limit?: number; readonly remaining?: number; readonly window?: number },
  ): void;
  /** One request that went out, by what it asked for and how it ended. */
  request(at: { readonly upstream: string; readonly url: string }, outcome: string): void;
}

/** Where the client says what a person may want to know. Never gets credentials. */
export interface UpstreamLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface UpstreamClientOptions {
  /** The upstream's name, for messages and metrics. */
  readonly name: string;
  /** The same content at each, `http://` or `https://`; a path stands before the repository's name. At least one. */
  readonly urls: readonly string[];
  readonly credentials?: CredentialSource | undefined;
  /** PEM of certificates that are trusted beside the usual ones. */
  readonly ca?: string | undefined;
  /** Takes any certificate. */
  readonly insecure?: boolean;
  /** Patterns of the repositories that may be fetched, by their names upstream. Default: all. */
  readonly allow?: readonly string[];
  readonly timeouts?: Partial<UpstreamTimeouts>;
  /** At most this many connections to one host for one URL, and half as many more for large bodies. Default 16. */
  readonly connections?: number;
  readonly proxies?: OutgoingProxies;
  /** Milliseconds that only go forward, from about the epoch on. */
  readonly now?: () => number;
  readonly metrics?: UpstreamMetrics | undefined;
  readonly log?: UpstreamLog | undefined;
  readonly userAgent?: string;
}
