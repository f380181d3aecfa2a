import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import type { StorageDriver } from '../storage/driver.ts';
import type { OpenLog } from './open-s3.ts';

/** Opens what `storage` names. Each driver's code is loaded only where it is used. */
export async function openDriver(
  { storage, outgoing }: Config,
  { log }: { readonly log?: OpenLog } = {},
): Promise<StorageDriver> {
  const { backend, readOnly } = storage;
  switch (backend.driver) {
    case 'inmemory': {
      const { createInMemoryDriver } = await import('../storage/inmemory/inmemory-driver.ts');
      return createInMemoryDriver();
    }
    case 'filesystem': {
      const { createFilesystemDriver } = await import('../storage/filesystem/filesystem-driver.ts');
      return createFilesystemDriver({ rootDirectory: resolve(backend.rootDirectory) });
    }
    case 's3': {
      const { openS3 } = await import('./open-s3.ts');
      return openS3(backend, { readOnly, outgoing, log });
    }
  }
}
