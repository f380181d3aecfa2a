import { RegistryError } from '../oci/errors.ts';
import { ClientGoneError } from '../operations/request-body.ts';
import { BlobBeingDeletedError } from '../storage/linking.ts';
import {
  StorageFullError,
  StorageUnavailableError,
  UploadBusyError,
  UploadLostError,
} from '../storage/storage-errors.ts';

/** Seconds that a client is asked to wait when the storage cannot be asked. */
const RETRY_AFTER = '5';

/** Whether the client's leaving is what went wrong: an AbortError has as its cause why it was aborted. */
export function isClientGone(error: unknown): boolean {
  if (error instanceof ClientGoneError) return true;
  return error instanceof Error && error.cause !== undefined && isClientGone(error.cause);
}

/** The answer to a failure of the lower layers; undefined for what nobody expected. */
export function registryErrorOf(error: unknown): RegistryError | undefined {
  if (error instanceof RegistryError) return error;
  // What failed first is what the client is told; what failed in giving things back is in the log with it.
  if (error instanceof SuppressedError) return registryErrorOf(error.suppressed);
  if (error instanceof UploadBusyError) {
    return new RegistryError('BLOB_UPLOAD_INVALID', {
      status: 409,
      message: 'another request is writing to this upload session',
      headers: { 'retry-after': String(error.retryAfter) },
      cause: error,
    });
  }
  if (error instanceof UploadLostError) {
    return new RegistryError('BLOB_UPLOAD_INVALID', {
      status: 409,
      message: 'another request has taken over this upload session: ask for its status and go on from there',
      headers: { 'retry-after': '1' },
      cause: error,
    });
  }
  if (error instanceof StorageFullError) return new RegistryError('STORAGE_FULL', { cause: error });
  if (error instanceof StorageUnavailableError) {
    return new RegistryError('UNAVAILABLE', {
      message: 'the storage cannot be reached for now: try again later',
      headers: { 'retry-after': RETRY_AFTER },
      cause: error,
    });
  }
  if (error instanceof BlobBeingDeletedError) {
    return new RegistryError('UNAVAILABLE', {
      message: `${error.digest} is being deleted at this moment: try again later`,
      headers: { 'retry-after': RETRY_AFTER },
      cause: error,
    });
  }
  return undefined;
}
