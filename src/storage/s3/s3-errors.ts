import { KeyNotFoundError, StorageFullError, StorageUnavailableError } from '../storage-errors.ts';
import { SilentServerError } from './http-handler.ts';

/** What an answer of the bucket means to us. */
export type Failure =
  /** There is no object at the key; the bucket is there. */
  | 'no-key'
  /** The multipart upload was completed, aborted or never begun. */
  | 'no-upload'
  /** `If-Match` or `If-None-Match` did not hold. */
  | 'precondition'
  /** The range lies outside of the object. */
  | 'range'
  /** No room, or the quota is used up. */
  | 'full'
  /** May work when it is tried again. */
  | 'passing'
  /** Wrong bucket, credential, region, …: trying again now does not help. */
  | 'refused';

const BY_NAME: Readonly<Record<string, Failure>> = {
  NoSuchKey: 'no-key',
  NoSuchUpload: 'no-upload',
  PreconditionFailed: 'precondition',
  InvalidRange: 'range',
  XMinioStorageFull: 'full',
  QuotaExceeded: 'full',
  XMinioAdminBucketQuotaExceeded: 'full',
  SlowDown: 'passing',
  RequestTimeout: 'passing',
  InternalError: 'passing',
  ServiceUnavailable: 'passing',
  ThrottlingException: 'passing',
  OperationAborted: 'passing',
  ConditionalRequestConflict: 'passing',
  NoSuchBucket: 'refused',
};

export function failureOf(error: unknown): Failure {
  if (error instanceof SilentServerError) return 'refused';
  const { name, status, code } = facts(error);
  const known = BY_NAME[name];
  if (known !== undefined) return known;
  if (status === undefined) return code === undefined ? 'refused' : 'passing';
  if (status === 507) return 'full';
  if (status === 412) return 'precondition';
  // An answer of 200 that could not be understood was cut or mangled on its way.
  if (status >= 500 || status === 429 || status === 408 || status < 300) return 'passing';
  return 'refused';
}

/** The error that the driver's contract names for a failure that nobody above took care of. */
export function storageError(error: unknown, { key, doing }: { key: string; doing: string }): Error {
  switch (failureOf(error)) {
    case 'no-key':
      return new KeyNotFoundError(key, { cause: error });
    case 'full':
      return new StorageFullError(`the bucket is full: ${describe(error)}`, { cause: error });
    case 'no-upload':
    case 'precondition':
    case 'range':
    case 'passing':
    case 'refused':
      return new StorageUnavailableError(`S3 could not ${doing} ${key}: ${describe(error)}`, {
        cause: error,
      });
  }
}

/** The server's own words, in one line. */
export function describe(error: unknown): string {
  const { name, status, code, message } = facts(error);
  const head = [...new Set([status, code, name === 'Error' ? undefined : name])].filter(
    (part) => part !== undefined && part !== '',
  );
  return `${head.join(' ')}${message === '' || message === name ? '' : `: ${message}`}`.replace(/\s+/g, ' ');
}

interface ErrorFacts {
  readonly name: string;
  readonly status: number | undefined;
  /** Of a network error: ECONNRESET and so on. */
  readonly code: string | undefined;
  readonly message: string;
}

/** Errors of the SDK and of Node, whatever class they are of. */
export function facts(error: unknown): ErrorFacts {
  if (!(error instanceof Error)) {
    return { name: '', status: undefined, code: undefined, message: String(error) };
  }
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  const code = 'code' in error ? error.code : undefined;
  return {
    name: error.name,
    status: typeof status === 'number' ? status : undefined,
    code: typeof code === 'string' ? code : undefined,
    message: error.message || (error instanceof AggregateError ? String(error.errors[0]) : ''),
  };
}
