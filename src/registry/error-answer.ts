import { RegistryError } from '../oci/errors.ts';
import { BlobBeingDeletedError } from '../storage/linking.ts';
import {
  StorageFullError,
  StorageUnavailableError,
  UploadBusyError,
  UploadLostError,
} from '../storage/storage-errors.ts';

/** Seconds that a client is asked to wait when the storage cannot be asked. */
const RETRY_AFTER = '5';

/** The answer to a failure of the lower layers; undefined for what nobody expected. */
export function registryErrorOf(error: unknown): RegistryError | undefined {
  if (error instanceof RegistryError) return error;
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
