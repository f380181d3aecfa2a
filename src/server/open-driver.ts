import { resolve } from 'node:path';
import type { StorageBackend } from '../config/config.ts';
import type { StorageDriver } from '../storage/driver.ts';

/** Opens what `storage` names. Each driver's code is loaded only where it is used. */
export async function openDriver(backend: StorageBackend): Promise<StorageDriver> {
  switch (backend.driver) {
    case 'inmemory': {
      const { createInMemoryDriver } = await import('../storage/inmemory/inmemory-driver.ts');
      return createInMemoryDriver();
    }
    case 'filesystem': {
      const { createFilesystemDriver } = await import('../storage/filesystem/filesystem-driver.ts');
      return createFilesystemDriver({ rootDirectory: resolve(backend.rootDirectory) });
    }
    case 's3':
      throw new Error('storage.s3 is not built yet: use storage.filesystem');
  }
}
