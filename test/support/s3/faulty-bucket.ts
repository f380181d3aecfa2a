import { afterEach, beforeEach } from 'vitest';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createS3Driver } from '../../../src/storage/s3/s3-driver.ts';
import { pattern } from '../../contract/storage-harness.ts';
import type { FaultKind } from './s3-faults.ts';
import { FAST, s3Options } from './s3-harness.ts';
import { InProcessS3 } from './s3-server.ts';

export const FOLDER = 'docker/registry/v2/repositories/a/_uploads/1';
export const TARGET = 'docker/registry/v2/blobs/sha256/aa/aabb/data';
export const PART = 256 * 1024;

/** One part and the beginning of another. */
export const CONTENT = pattern(PART + 50_000);

export const SLOW_DOWN: FaultKind = { kind: 'answer', status: 503, code: 'SlowDown' };

export const forever = { times: Number.POSITIVE_INFINITY };

/** A bucket in this process and a driver on it, new for each test. */
export interface FaultyBucket {
  readonly s3: InProcessS3;
  readonly driver: StorageDriver;
  /** Writes CONTENT to TARGET by an upload. */
  upload(options?: { readonly target?: string }): Promise<void>;
  /** A new driver that gives up soon: for failures without end. */
  giveUpSoon(): Promise<void>;
}

export function faultyBucket(): FaultyBucket {
  let s3: InProcessS3;
  let driver: StorageDriver;
  beforeEach(async () => {
    s3 = await InProcessS3.start();
    s3.store.smallestPart = PART;
    driver = createS3Driver(s3Options(s3, { chunkSize: PART }));
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
    async upload(options = {}) {
      const writer = await driver.uploads.create(FOLDER, options);
      await writer.append(CONTENT);
      await writer.commit(TARGET);
    },
    async giveUpSoon() {
      await driver.close();
      driver = createS3Driver(s3Options(s3, { chunkSize: PART, timing: { ...FAST, retryFor: 200 } }));
    },
  };
}
