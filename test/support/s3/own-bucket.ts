import { afterEach, beforeEach } from 'vitest';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createS3Driver } from '../../../src/storage/s3/s3-driver.ts';
import type { S3Options } from '../../../src/storage/s3/s3-options.ts';
import { s3Options } from './s3-harness.ts';
import { InProcessS3 } from './s3-server.ts';

/** A bucket in this process and a driver on it, new for each test. */
export interface OwnBucket {
  readonly s3: InProcessS3;
  readonly driver: StorageDriver;
  /** Closes the driver for another, with `more` besides what the first was given. */
  reopen(more: Partial<S3Options>): Promise<void>;
}

export function ownBucket(more: Partial<S3Options> = {}): OwnBucket {
  let s3: InProcessS3;
  let driver: StorageDriver;
  beforeEach(async () => {
    s3 = await InProcessS3.start();
    driver = createS3Driver(s3Options(s3, more));
  });
  afterEach(async () => {
    await driver.close();
    await s3[Symbol.asyncDispose]();
  });
  return {
    get s3() {
      return s3;
    },
    get driver() {
      return driver;
    },
    async reopen(other) {
      await driver.close();
      driver = createS3Driver(s3Options(s3, { ...more, ...other }));
    },
  };
}
