import type { ObjectReader, StorageDriver, UploadStore, UploadWriter } from '../../src/storage/driver.ts';
import { StorageUnavailableError } from '../../src/storage/storage-errors.ts';

/** Which call of a driver fails; calls are counted from 1. */
export interface Outage {
  /** The call that fails, and all that come after it when `lasting`; 0 for none. */
  at: number;
  lasting: boolean;
  /** Whether what fails has been done all the same: the answer was lost. */
  afterwards: boolean;
  calls: number;
  /** What fails it. */
  error: () => Error;
}

export function newOutage(): Outage {
  const error = () => new StorageUnavailableError('scripted outage');
  return { at: 0, lasting: false, afterwards: false, calls: 0, error };
}

/** The driver, with an outage at one of its calls; those of its readers and writers count too. */
export function failingDriver(driver: StorageDriver, outage: Outage): StorageDriver {
  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    outage.calls += 1;
    const fails = outage.lasting ? outage.calls >= outage.at : outage.calls === outage.at;
    if (outage.at === 0 || !fails) return work();
    if (outage.afterwards) await work();
    throw outage.error();
  };
  const reader = (inner: ObjectReader): ObjectReader => ({
    size: inner.size,
    async *chunks() {
      await guarded(async () => {});
      yield* inner.chunks();
    },
    close: () => inner.close(),
  });
  const writer = (inner: UploadWriter): UploadWriter => ({
    get size() {
      return inner.size;
    },
    append: (chunk) => guarded(() => inner.append(chunk)),
    async *content() {
      await guarded(async () => {});
      yield* inner.content();
    },
    commit: (key) => guarded(() => inner.commit(key)),
    drop: () => guarded(() => inner.drop()),
    close: () => guarded(() => inner.close()),
  });
  const uploads: UploadStore = {
    create: (folder, options) => guarded(async () => writer(await driver.uploads.create(folder, options))),
    open: (folder, options) => guarded(async () => writer(await driver.uploads.open(folder, options))),
    size: (folder) => guarded(() => driver.uploads.size(folder)),
  };
  return {
    name: driver.name,
    freshness: driver.freshness,
    uploads,
    stat: (key, signal) => guarded(() => driver.stat(key, signal)),
    read: (key, options) => guarded(async () => reader(await driver.read(key, options))),
    write: (key, content, options) => guarded(() => driver.write(key, content, options)),
    list: (folder, options) => guarded(() => driver.list(folder, options)),
    delete: (key) => guarded(() => driver.delete(key)),
    deleteFolder: (folder) => guarded(() => driver.deleteFolder(folder)),
    close: () => driver.close(),
  };
}
