/** There is no object at the key. Says nothing about an outage. */
export class KeyNotFoundError extends Error {
  override readonly name = 'KeyNotFoundError';
  readonly key: string;

  constructor(key: string, options?: ErrorOptions) {
    super(`no object at ${key}`, options);
    this.key = key;
  }
}

/** What lies at a digest does not have it: a disk or a crash damaged it. To be taken for missing, and said. */
export class DamagedContentError extends Error {
  override readonly name = 'DamagedContentError';
  readonly digest: string;

  constructor(digest: string, options?: ErrorOptions) {
    super(`the data of ${digest} does not have this digest`, options);
    this.digest = digest;
  }
}

/** The storage cannot be asked, or failed in the middle: the state of things is unknown. */
export class StorageUnavailableError extends Error {
  override readonly name = 'StorageUnavailableError';
}

/** No room is left (ENOSPC, EDQUOT). What was there before stays. */
export class StorageFullError extends Error {
  override readonly name = 'StorageFullError';
}

/** Another writer holds the upload, here or in another process, and is alive. */
export class UploadBusyError extends Error {
  override readonly name = 'UploadBusyError';
  /** Seconds after which a next try makes sense. */
  readonly retryAfter: number;

  constructor(retryAfter = 1) {
    super('another request is writing to this upload');
    this.retryAfter = retryAfter;
  }
}

/** This writer was taken for dead and somebody else goes on with the upload: what it does reaches nothing. */
export class UploadLostError extends Error {
  override readonly name = 'UploadLostError';

  constructor(options?: ErrorOptions) {
    super('the upload was taken over by another writer', options);
  }
}
