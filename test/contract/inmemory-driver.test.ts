import { createInMemoryDriver } from '../../src/storage/inmemory/inmemory-driver.ts';
import { MemoryTree } from '../../src/storage/inmemory/memory-tree.ts';
import { describeStorageContract } from './storage-driver-contract.ts';

describeStorageContract('in memory', async () => {
  const tree = new MemoryTree();
  return {
    start: async () => ({ driver: createInMemoryDriver({ tree }) }),
    close: async () => {},
  };
});
