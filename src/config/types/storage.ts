import type { Secret } from '../secret.ts';

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
