import type { Config } from '../config/config.ts';
import type { BlobRedirect } from '../registry/hosted-repository.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { blobDataKey } from '../storage/layout.ts';

/** Sends readers of blobs to the storage itself, where it signs URLs and `storage.redirect` lets it. */
export function blobRedirect(driver: StorageDriver, config: Config['storage']): BlobRedirect {
  const signedUrls = driver.capabilities?.signedUrls;
  if (signedUrls === undefined || !config.redirect) return async () => undefined;
  const expiresInSeconds = Math.max(1, Math.floor(config.redirectExpiry / 1000));
  return (content) => signedUrls.signedReadUrl(blobDataKey(content), { expiresInSeconds });
}
