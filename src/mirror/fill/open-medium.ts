import { randomUUID } from 'node:crypto';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { isRandomAccess, type StorageDriver } from '../../storage/driver.ts';
import { blobDataKey, uploadFolder } from '../../storage/layout.ts';
import { FileMedium } from './file-medium.ts';
import type { FillMedium } from './fill-medium.ts';
import { PassingMedium } from './passing-medium.ts';
import type { Spool } from './spool.ts';
import { SpooledMedium } from './spooled-medium.ts';

/**
 * Begins an upload for a fill, with a spool where the storage cannot be read as it grows.
 * @throws StorageFullError, StorageUnavailableError
 */
export async function openMedium(
  { driver, spool }: { readonly driver: StorageDriver; readonly spool: Spool },
  {
    stored,
    digest,
    size,
  }: { readonly stored: RepositoryName; readonly digest: Digest; readonly size: number },
): Promise<FillMedium> {
  const options = { target: blobDataKey(digest), unshared: true };
  const writer = await driver.uploads.create(uploadFolder(stored, randomUUID()), options);
  if (isRandomAccess(writer)) return await FileMedium.open(writer);
  const file = await spool.take(size);
  return file === undefined ? new PassingMedium(writer) : new SpooledMedium(writer, file);
}
