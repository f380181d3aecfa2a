import { KeyNotFoundError, StorageUnavailableError } from '../storage-errors.ts';
import { ExpectedFailure } from './caller.ts';
import type { Rest } from './copies.ts';
import type { Multipart, Multiparts, PartTag } from './multiparts.ts';
import type { Objects } from './objects.ts';
import type { UploadContext } from './upload-context.ts';

/**
 * Completes a multipart upload of content whose digest is proven, so that the object that is there afterwards tells
 * whether a try whose answer was lost has worked.
 */
export async function completeProven(
  { multiparts, objects }: Pick<UploadContext, 'multiparts' | 'objects'>,
  upload: Multipart,
  { parts, size }: { readonly parts: readonly PartTag[]; readonly size: number },
): Promise<void> {
  try {
    await multiparts.complete(upload, parts);
  } catch (error) {
    if (!(error instanceof ExpectedFailure)) throw error;
    if (!error.ambiguous) throw lost(upload, error);
    const found = await objects.get(upload.key).catch((missing: unknown) => {
      throw missing instanceof KeyNotFoundError ? lost(upload, error) : missing;
    });
    found.body.destroy();
    if (found.size !== size) throw lost(upload, error);
  }
}

const lost = (upload: Multipart, cause: unknown): StorageUnavailableError =>
  new StorageUnavailableError(`the multipart upload of ${upload.key} was ended by somebody else`, { cause });

/** Puts content of less than a part at its key by one request. */
export async function placeAlone(objects: Objects, key: string, rest: Rest): Promise<void> {
  if ('key' in rest) await objects.copy(rest.key, key);
  else await objects.put(key, rest);
}

/** Makes what is left of the content the last part. */
export function sendLast(
  multiparts: Multiparts,
  upload: Multipart,
  { number, rest }: { readonly number: number; readonly rest: Rest },
): Promise<PartTag> {
  if (!('key' in rest)) return multiparts.send(upload, number, rest);
  return multiparts.copy(upload, number, { source: rest.key, range: undefined });
}
