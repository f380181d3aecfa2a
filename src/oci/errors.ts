/** One row of the error table. */
export interface ErrorSpec {
  /** HTTP status when nothing more special is said. */
  readonly status: number;
  /** What a person is told when nothing more special is said. */
  readonly message: string;
  /** The specification's code that leaves the server in place of ours: in a 4xx it allows no others. */
  readonly sentAs?: string;
}

/**
 * Every code, with its usual status. The first group is the specification's ("Error Codes"); the second is
 * more exact than that, and leaves the server as one of the first; the third stands in answers that the
 * specification does not speak of.
 */
export const ERROR_TABLE = {
  BLOB_UNKNOWN: { status: 404, message: 'blob unknown to this repository' },
  BLOB_UPLOAD_INVALID: { status: 400, message: 'the upload cannot go on as asked' },
  BLOB_UPLOAD_UNKNOWN: {
    status: 404,
    message: 'upload session unknown: it ended, was cancelled or timed out',
  },
  DIGEST_INVALID: { status: 400, message: 'the digest does not match the content' },
  MANIFEST_BLOB_UNKNOWN: {
    status: 404,
    message: 'the manifest names content that this repository does not have',
  },
  MANIFEST_INVALID: { status: 400, message: 'the manifest cannot be understood' },
  MANIFEST_UNKNOWN: { status: 404, message: 'manifest unknown to this repository' },
  NAME_INVALID: { status: 400, message: 'invalid repository name' },
  NAME_UNKNOWN: { status: 404, message: 'repository name not known to this registry' },
  SIZE_INVALID: { status: 400, message: 'the length said does not match the content' },
  UNAUTHORIZED: { status: 401, message: 'authentication required' },
  DENIED: { status: 403, message: 'access to the resource is denied' },
  UNSUPPORTED: { status: 405, message: 'the operation is not supported' },
  TOOMANYREQUESTS: { status: 429, message: 'too many requests' },

  TAG_INVALID: { status: 400, message: 'invalid tag', sentAs: 'MANIFEST_INVALID' },
  CHUNK_INVALID: {
    status: 416,
    message: 'the chunk does not go on where the session is',
    sentAs: 'BLOB_UPLOAD_INVALID',
  },
  RANGE_INVALID: { status: 416, message: 'the range does not fit the content', sentAs: 'SIZE_INVALID' },
  NOT_FOUND: { status: 404, message: 'no such endpoint', sentAs: 'UNSUPPORTED' },
  REQUEST_INVALID: { status: 400, message: 'the request cannot be understood', sentAs: 'UNSUPPORTED' },

  PAGINATION_NUMBER_INVALID: { status: 400, message: 'n must be a whole number from 0 up' },
  UNAVAILABLE: { status: 503, message: 'the service is not available for now: try again later' },
  UNKNOWN: { status: 500, message: 'unknown error' },
  STORAGE_FULL: { status: 507, message: 'the storage is full: nothing was kept' },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERROR_TABLE;

export interface RegistryErrorOptions {
  /** Tells a person what was wrong and what to do. */
  readonly message?: string;
  /** Machine-readable detail, JSON-serialisable. */
  readonly detail?: unknown;
  /** In place of the table's status. */
  readonly status?: number;
  /** Response headers to send along, lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An answer other than success: thrown anywhere, turned into the specification's JSON in one place. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly detail: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, options: RegistryErrorOptions = {}) {
    const spec: ErrorSpec = ERROR_TABLE[code];
    super(options.message ?? spec.message, { cause: options.cause });
    this.code = code;
    this.status = options.status ?? spec.status;
    this.detail = options.detail;
    this.headers = options.headers ?? {};
  }

  /** The body of the answer: `{"errors":[{code,message,detail?}]}`, specification "Error Codes". */
  toJSON(): { errors: { code: string; message: string; detail?: unknown }[] } {
    const spec: ErrorSpec = ERROR_TABLE[this.code];
    const entry = { code: spec.sentAs ?? this.code, message: this.message };
    return { errors: [this.detail === undefined ? entry : { ...entry, detail: this.detail }] };
  }
}
