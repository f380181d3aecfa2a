import type { Secret } from '../secret.ts';

/** How to be known to an upstream. */
export type UpstreamCredentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: Secret }
  /** The password is the file's content without the newline at its end, read anew when it changes. */
  | { readonly kind: 'passwordfile'; readonly username: string; readonly path: string }
  | {
      readonly kind: 'helper';
      /** A docker credential helper. */
      readonly command: string;
      /** How long its answer is used: 0 asks every time, undefined asks once. */
      readonly lifetime: number | undefined;
    };

export interface TransferConfig {
  readonly timeouts: MirrorTimeouts;
  readonly spool: { readonly directory: string; readonly maxSize: number };
}

export interface ProxyConfig extends TransferConfig {
  readonly remoteUrl: string;
  readonly credentials: UpstreamCredentials | undefined;
  /** 0 keeps for ever. */
  readonly ttl: number;
  readonly cacheWriteTimeout: number;
}

export interface MirrorConfig extends TransferConfig {
  /** At least one; names, aliases and hosts are unique. */
  readonly upstreams: readonly UpstreamConfig[];
  /** Name of one of them. */
  readonly default: string;
  /** Undefined: nothing is evicted. */
  readonly evict:
    | { readonly unusedFor: number | undefined; readonly maxSize: number | undefined }
    | undefined;
}

export interface UpstreamConfig {
  /** A valid first component of a repository name. */
  readonly name: string;
  /** At least one, without user, query, fragment and trailing slash. */
  readonly urls: readonly string[];
  /** Lower-case, without port. */
  readonly hosts: readonly string[];
  /** Lower-case; the well-known ones are in. */
  readonly aliases: readonly string[];
  /** Whether names of one component get `library/`. */
  readonly dockerHub: boolean;
  readonly credentials: UpstreamCredentials | undefined;
  readonly tagTtl: number;
  /** Path of PEM certificates. */
  readonly ca: string | undefined;
  /** Any certificate will do. */
  readonly insecure: boolean;
  /** Patterns of repositories that may be fetched, below the upstream's name. */
  readonly allow: readonly string[];
}

export interface MirrorTimeouts {
  readonly connect: number;
  readonly firstByte: number;
  readonly tagCheck: number;
  readonly stall: number;
  readonly fill: number;
}

/** The environment's HTTPS_PROXY, HTTP_PROXY and NO_PROXY; the URLs may carry a password. */
export interface OutgoingConfig {
  readonly httpsProxy: Secret | undefined;
  readonly httpProxy: Secret | undefined;
  /** As written, split at commas; `*` is everything. */
  readonly noProxy: readonly string[];
}
