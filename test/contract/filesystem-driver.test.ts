import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { createFilesystemDriver } from '../../src/storage/filesystem/filesystem-driver.ts';
import { repeatUnref } from '../../src/storage/filesystem/heartbeats.ts';
import { describeStorageContract } from './storage-driver-contract.ts';

const heartbeat = { beatEvery: 25, watchFor: 300, lookEvery: 15 };

describeStorageContract('filesystem', async () => {
  const rootDirectory = await mkdtemp(join(tmpdir(), 'fairlead-contract-'));
  const drivers: StorageDriver[] = [];
  return {
    async start() {
      let frozen = false;
      const driver = await createFilesystemDriver({
        rootDirectory,
        heartbeat,
        repeat: (task, milliseconds) => repeatUnref(() => frozen || task(), milliseconds),
      });
      drivers.push(driver);
      return {
        driver,
        freeze: () => {
          frozen = true;
        },
      };
    },
    async close() {
      await Promise.all(drivers.map((driver) => driver.close()));
      await rm(rootDirectory, { recursive: true });
    },
  };
});
