import type { RequestLog } from './request-log.ts';

/**
 * What the driver has to know, named as distribution's keys of `storage.s3`. Defaults are distribution's; where
 * a key is left out here, the SDK's own default holds.
 */
export interface S3Options {
  readonly bucket: string;
  /** May be left out only beside an endpoint. */
  readonly region?: string | undefined;
  /** `https://host:port`, or a bare `host:port` that `secure` gives a scheme. Default: AWS. */
  readonly regionEndpoint?: string | undefined;
  /** In the place of the endpoint in signed URLs: scheme and host alone. */
  readonly redirectEndpoint?: string | undefined;
  /** Left out: the SDK's chain (environment, profile, web identity, container or instance role). */
  readonly credentials?: S3StaticCredentials | undefined;
  readonly forcePathStyle?: boolean | undefined;
  /** Ask the bucket to encrypt: with `keyId` by KMS, without by AES256. */
  readonly encrypt?: boolean | undefined;
  readonly keyId?: string | undefined;
  readonly secure?: boolean | undefined;
  /** Do not check the server's certificate. */
  readonly skipVerify?: boolean | undefined;
  /** PEM certificates to trust in place of the usual ones. */
  readonly ca?: string | undefined;
  /** Bytes of one part, 5 MiB to 5 GiB. Default: 10 MiB. */
  readonly chunkSize?: number | undefined;
  /** Bytes of a part in which an object above the threshold is copied. Default: 32 MiB. */
  readonly multipartCopyChunkSize?: number | undefined;
  /** Bytes up to which an object is copied whole, at most 5 GiB. Default: 32 MiB. */
  readonly multipartCopyThresholdSize?: number | undefined;
  /** Parts copied at once when an upload is put in place. Default: 100. */
  readonly multipartCopyMaxConcurrency?: number | undefined;
  /** Folder of the bucket in which everything lies; slashes at both ends are dropped. Default: the bucket. */
  readonly rootDirectory?: string | undefined;
  /** Undefined or `NONE`: nothing is sent, which means STANDARD on AWS. */
  readonly storageClass?: string | undefined;
  readonly userAgent?: string | undefined;
  /** Canned ACL; `private` is what a bucket does without being asked, so it is not sent. */
  readonly objectAcl?: string | undefined;
  readonly useDualStack?: boolean | undefined;
  readonly accelerate?: boolean | undefined;
  readonly useFipsEndpoint?: boolean | undefined;
  /** `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, as far as they are set. */
  readonly proxyEnvironment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Is told of every request. */
  readonly requestLog?: RequestLog | undefined;
  /** For tests; durations in milliseconds. */
  readonly timing?: Partial<S3Timing> | undefined;
  /** For tests: what gives signs of life in the background. Default: setInterval. */
  readonly every?: ((milliseconds: number, work: () => void) => () => void) | undefined;
  /** Bytes of part buffers for all uploads together. Default: 40 MiB, or two parts where that is more. */
  readonly bufferMemory?: number | undefined;
}

export interface S3StaticCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** All in milliseconds. */
export interface S3Timing {
  /** How long a failing operation is tried again. */
  readonly retryFor: number;
  /** Longest pause between two tries; pauses are random and grow up to it. */
  readonly retryPause: number;
  /** To get a connection. */
  readonly connect: number;
  /** Without a byte in either direction, for what should be answered at once. */
  readonly silence: number;
  /** The same for large bodies, which may still be on their way below us, and for what the server works on. */
  readonly longSilence: number;
  /** Between two signs of life of who writes to an upload. */
  readonly heartbeat: number;
  /** Without a sign of life for so long, who writes to an upload is dead. */
  readonly verdict: number;
  /** Between two looks at another's lock. */
  readonly watch: number;
  /** A writer that brought nothing for so long gives up its buffer when others wait for one. */
  readonly idleBuffer: number;
}

/**
 * The longest a client can wait for a server that never answers: retryFor and longSilence, below a minute. An
 * answer may take 20 s, so silence is more than that.
 */
export const DEFAULT_TIMING: S3Timing = {
  retryFor: 3_000,
  retryPause: 800,
  connect: 4_000,
  silence: 25_000,
  longSilence: 50_000,
  heartbeat: 2_000,
  verdict: 10_000,
  watch: 500,
  idleBuffer: 1_000,
};

export const DEFAULT_CHUNK_SIZE = 10 * 1024 * 1024;
