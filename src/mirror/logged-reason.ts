import { reasonOf } from '../operations/error-description.ts';
import { StorageFullError, StorageUnavailableError } from '../storage/storage-errors.ts';
import { UpstreamError } from './upstream/upstream-errors.ts';

/**
 * The fields of a log line that say why: of what an upstream or the storage does the reason alone, since a stack tells
 * nothing and an outage has many.
 */
export function loggedReason(error: unknown): { readonly reason: string } | { readonly err: unknown } {
  const foreseen =
    error instanceof UpstreamError ||
    error instanceof StorageFullError ||
    error instanceof StorageUnavailableError;
  return foreseen ? { reason: reasonOf(error) } : { err: error };
}
