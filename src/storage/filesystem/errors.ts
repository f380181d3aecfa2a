import { StorageFullError, StorageUnavailableError } from '../storage-errors.ts';

/** The `code` of an error of the operating system, such as `ENOENT`; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('errno' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether a path leads nowhere. Says nothing yet of why: the root may have gone away. */
export function isMissing(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG';
}

/**
 * What an error of the operating system is in the words of the storage: StorageFullError where room is missing,
 * else StorageUnavailableError. Any other error is given back as it is.
 */
export function storageError(error: unknown): unknown {
  const code = errnoOf(error);
  if (code === undefined || !(error instanceof Error)) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new StorageFullError('no room is left on the storage', { cause: error });
  }
  return new StorageUnavailableError(`the storage directory failed: ${error.message}`, { cause: error });
}
