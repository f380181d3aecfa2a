import type { StorageMetrics } from '../operations/storage-metrics.ts';
import type { StorageDriver } from '../storage/driver.ts';

/** The same driver, with how long each action took counted under distribution's names. */
export function timedDriver(driver: StorageDriver, metrics: StorageMetrics): StorageDriver {
  const timed = async <Result>(action: string, work: () => Promise<Result>): Promise<Result> => {
    const started = performance.now();
    try {
      return await work();
    } finally {
      metrics.observe({ driver: driver.name, action }, (performance.now() - started) / 1000);
    }
  };
  return {
    name: driver.name,
    freshness: driver.freshness,
    uploads: driver.uploads,
    ...(driver.capabilities === undefined ? {} : { capabilities: driver.capabilities }),
    stat: (key, signal) => timed('Stat', () => driver.stat(key, signal)),
    read: (key, options) => timed('GetContent', () => driver.read(key, options)),
    write: (key, content, options) => timed('PutContent', () => driver.write(key, content, options)),
    list: (folder, options) => timed('List', () => driver.list(folder, options)),
    delete: (key) => timed('Delete', () => driver.delete(key)),
    deleteFolder: (folder) => timed('Delete', () => driver.deleteFolder(folder)),
    close: () => driver.close(),
  };
}
