import type { Secret } from '../secret.ts';

export interface HttpConfig {
  readonly listen: ListenAddress;
  /** `scheme://host[:port][/path]` that generated URLs begin with, without a slash at its end; undefined: as asked. */
  readonly host: string | undefined;
  /** Path in front of `/v2/`, with a leading and no trailing slash; empty at the root. */
  readonly prefix: string;
  readonly secret: Secret | undefined;
  readonly relativeUrls: boolean;
  /** 0 cuts at once. */
  readonly drainTimeout: number;
  readonly tls: TlsConfig | undefined;
  /** Sent with every answer. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly debug: DebugConfig | undefined;
  readonly http2: boolean;
  readonly h2c: boolean;
  /** Networks whose `X-Forwarded-For` counts. */
  readonly trustedProxies: readonly Network[];
  readonly limits: LimitsConfig;
}

export interface ListenAddress {
  readonly net: 'tcp' | 'unix';
  /** `host:port`, `[::]:port`, or `:port` for all addresses, port 0 for any free one; with unix a path. */
  readonly address: string;
}

export interface TlsConfig {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
  readonly clientCas: readonly string[];
  /** Without effect when `clientCas` is empty. */
  readonly clientAuth:
    | 'request-client-cert'
    | 'require-any-client-cert'
    | 'verify-client-cert-if-given'
    | 'require-and-verify-client-cert';
  readonly minimumTls: 'tls1.0' | 'tls1.1' | 'tls1.2' | 'tls1.3';
  /** Go's names, as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256; never empty. */
  readonly cipherSuites: readonly string[];
}

export interface DebugConfig {
  readonly listen: ListenAddress;
  /** Path of the metrics; undefined: none. */
  readonly metricsPath: string | undefined;
}

export interface Network {
  readonly address: string;
  /** Leading bits that count. */
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

export interface LimitsConfig {
  /** Open connections; 0 is without limit. */
  readonly connections: number;
  /** Uploads that receive bytes at the same time; more wait. */
  readonly uploads: number;
  /** Bytes of one manifest. */
  readonly manifestSize: number;
  /** Bytes of a request's head. */
  readonly headerSize: number;
  /** For the head of a request to arrive. */
  readonly headerTimeout: number;
  /** For the next request on an idle connection. */
  readonly idleTimeout: number;
  /** For the next byte of a request body. */
  readonly bodyTimeout: number;
  /** For a client to take the next byte of an answer. */
  readonly stallTimeout: number;
  readonly discard: DiscardLimits;
}

/** What is still read, and dropped, of a body whose answer was given before its end. */
export interface DiscardLimits {
  readonly size: number;
  /** In all. */
  readonly timeout: number;
  /** Without a new byte. */
  readonly idleTimeout: number;
}
