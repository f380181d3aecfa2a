import type { Secret } from './secret.ts';

/**
 * The whole configuration, parsed once and frozen. Durations are milliseconds, sizes are bytes, defaults are
 * resolved. The keys of the file that each part comes from are named in `config/default.yml`.
 */
export interface Config {
  readonly log: LogConfig;
  readonly storage: StorageConfig;
  readonly auth: AuthConfig;
  readonly http: HttpConfig;
  readonly health: HealthConfig;
  readonly notifications: NotificationsConfig;
  readonly catalog: { readonly maxEntries: number };
  readonly tags: { readonly maxTags: number };
  readonly validation: ValidationConfig;
  /** distribution's `proxy:`: the whole server mirrors one upstream. Never together with `mirror`. */
  readonly proxy: ProxyConfig | undefined;
  readonly mirror: MirrorConfig | undefined;
  readonly outgoing: OutgoingConfig;
}

export interface LogConfig {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly formatter: 'text' | 'json' | 'logstash';
  /** Go on every line. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly accessLog: boolean;
  readonly reportCaller: boolean;
}

export interface StorageConfig {
  readonly backend: StorageBackend;
  readonly deleteEnabled: boolean;
  /** Whether readers may be sent to a signed URL, where the backend has such. */
  readonly redirect: boolean;
  /** How long such a URL is good, in milliseconds. */
  readonly redirectExpiry: number;
  readonly readOnly: boolean;
  readonly uploadPurging: UploadPurgingConfig;
  /** How many tags are looked at together when a manifest is deleted; 0 leaves it to the storage. */
  readonly tagConcurrencyLimit: number;
  /** Blob descriptors kept in memory; 0 is without limit. */
  readonly blobDescriptorCacheSize: number;
}

export interface UploadPurgingConfig {
  readonly enabled: boolean;
  readonly age: number;
  readonly interval: number;
  /** Tells what would go and removes nothing. */
  readonly dryRun: boolean;
}

export type StorageBackend = FilesystemBackend | InMemoryBackend | S3Backend;

export interface FilesystemBackend {
  readonly driver: 'filesystem';
  /** As written, so possibly relative to the working directory. */
  readonly rootDirectory: string;
  /** File operations at once, 25 at least. */
  readonly maxThreads: number;
}

export interface InMemoryBackend {
  readonly driver: 'inmemory';
}

export interface S3Backend {
  readonly driver: 's3';
  readonly bucket: string;
  /** Undefined only beside a `regionEndpoint`. */
  readonly region: string | undefined;
  /** A URL, or a bare host that `secure` gives a scheme. */
  readonly regionEndpoint: string | undefined;
  /** Undefined: the SDK looks in its own places (AWS_* environment, profile, instance role). */
  readonly credentials: S3Credentials | undefined;
  readonly forcePathStyle: boolean;
  readonly encrypt: boolean;
  /** KMS key; without it `encrypt` means AES256. */
  readonly keyId: string | undefined;
  readonly secure: boolean;
  readonly skipVerify: boolean;
  /** Path of PEM certificates to trust in place of the usual ones. */
  readonly ca: string | undefined;
  /** Bytes of one part of an upload, 5 MiB to 5 GiB. */
  readonly chunkSize: number;
  readonly multipartCopyChunkSize: number;
  readonly multipartCopyMaxConcurrency: number;
  /** Objects above this many bytes are copied in parts. */
  readonly multipartCopyThresholdSize: number;
  /** Without slashes at both ends; may be empty. */
  readonly rootDirectory: string;
  /** Undefined where the file says NONE: nothing is sent. */
  readonly storageClass: string | undefined;
  readonly userAgent: string | undefined;
  readonly objectAcl: string;
  readonly useDualStack: boolean;
  readonly accelerate: boolean;
  readonly useFipsEndpoint: boolean;
  /** In the place of the endpoint in URLs that clients are redirected to. */
  readonly redirectEndpoint: string | undefined;
  readonly logLevel:
    | 'off'
    | 'debug'
    | 'debugwithsigning'
    | 'debugwithhttpbody'
    | 'debugwithrequestretries'
    | 'debugwithrequesterrors'
    | 'debugwitheventstreambody';
}

export interface S3Credentials {
  readonly accessKey: Secret;
  readonly secretKey: Secret;
}

export type AuthConfig = NoAuth | HtpasswdAuth | TokenAuth | BuiltinAuth;

export interface NoAuth {
  readonly mode: 'none';
}

export interface HtpasswdAuth {
  readonly mode: 'htpasswd';
  readonly realm: string;
  readonly path: string;
}

/** An external token service; at least one of `rootCertBundle` and `jwks` is there. */
export interface TokenAuth {
  readonly mode: 'token';
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** Path of PEM certificates. */
  readonly rootCertBundle: string | undefined;
  /** Path of a JSON Web Key Set. */
  readonly jwks: string | undefined;
  /** Path of the realm worked out from the request's Host in the place of `realm`; undefined: do not. */
  readonly autoRedirectPath: string | undefined;
  readonly signingAlgorithms: readonly SigningAlgorithm[];
}

export const SIGNING_ALGORITHMS = [
  'EdDSA',
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
] as const;

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

export interface BuiltinAuth {
  readonly mode: 'builtin';
  /** Path of an htpasswd file. */
  readonly users: string;
  /** Undefined: worked out from the request. */
  readonly realm: string | undefined;
  /** Undefined: the host asked. */
  readonly service: string | undefined;
  readonly issuer: string;
  /** Paths of PEM private keys: the first signs, all verify. Empty: made at first start, kept in the storage. */
  readonly keys: readonly string[];
  readonly expiration: number;
  readonly throttle: ThrottleConfig;
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** First match wins. Where the file has none, the default rules for the upstreams at hand. */
  readonly access: readonly AccessRule[];
}

export interface ThrottleConfig {
  /** Wrong passwords for one account from one address within `window`. */
  readonly account: number;
  /** Wrong passwords for any accounts from one address within `window`. */
  readonly address: number;
  readonly window: number;
}

export type AccessAction = 'pull' | 'push' | 'delete' | '*';

export interface AccessRule {
  /** An account's name, `*` for any that logged in, `anonymous` for everybody; or the members of a group. */
  readonly who: { readonly account: string } | { readonly group: string };
  /** A pattern of `*`, `**`, `${account}` and plain text; checked. */
  readonly repository: string;
  /** All that is granted; empty shuts. */
  readonly actions: readonly AccessAction[];
}

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

export interface HealthConfig {
  readonly storageDriver: StorageCheck | undefined;
  /** Unhealthy while the file exists. */
  readonly files: readonly FileCheck[];
  readonly http: readonly HttpCheck[];
  readonly tcp: readonly TcpCheck[];
}

export interface StorageCheck {
  readonly interval: number;
  /** Failures in a row until it counts; at least 1. */
  readonly threshold: number;
}

export interface FileCheck {
  readonly file: string;
  readonly interval: number;
  readonly threshold: number;
}

export interface HttpCheck {
  readonly uri: string;
  readonly headers: Readonly<Record<string, readonly Secret[]>>;
  readonly statusCode: number;
  /** 0 is without limit. */
  readonly timeout: number;
  readonly interval: number;
  readonly threshold: number;
}

export interface TcpCheck {
  readonly host: string;
  readonly port: number;
  /** 0 is without limit. */
  readonly timeout: number;
  readonly interval: number;
  readonly threshold: number;
}

export interface NotificationsConfig {
  readonly includeReferences: boolean;
  /** Those that are not disabled. */
  readonly endpoints: readonly NotificationEndpoint[];
}

export interface NotificationEndpoint {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, readonly Secret[]>>;
  readonly timeout: number;
  readonly threshold: number;
  readonly backoff: number;
  readonly ignoredMediaTypes: readonly string[];
  readonly ignoredActions: readonly string[];
}

export interface ValidationConfig {
  /** Takes manifests whose config, layers or children are not here. */
  readonly disabled: boolean;
  readonly urls: {
    /** Empty: every URL is allowed. */
    readonly allow: readonly RegExp[];
    readonly deny: readonly RegExp[];
  };
  readonly indexes: {
    readonly platforms: 'all' | 'none' | 'list';
    readonly platformList: readonly Platform[];
  };
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

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

export interface ProxyConfig {
  readonly remoteUrl: string;
  readonly credentials: UpstreamCredentials | undefined;
  /** 0 keeps for ever. */
  readonly ttl: number;
  readonly cacheWriteTimeout: number;
}

export interface MirrorConfig {
  /** At least one; names, aliases and hosts are unique. */
  readonly upstreams: readonly UpstreamConfig[];
  /** Name of one of them. */
  readonly default: string;
  readonly timeouts: MirrorTimeouts;
  readonly spool: { readonly directory: string; readonly maxSize: number };
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
