import { beforeEach } from 'vitest';
import { pattern } from '../../contract/storage-harness.ts';
import { type OwnBucket, ownBucket } from './own-bucket.ts';
import type { FaultKind } from './s3-faults.ts';
import { FAST } from './s3-harness.ts';

export const FOLDER = 'docker/registry/v2/repositories/a/_uploads/1';
export const TARGET = 'docker/registry/v2/blobs/sha256/aa/aabb/data';
export const PART = 256 * 1024;

/** One part and the beginning of another. */
export const CONTENT = pattern(PART + 50_000);

export const SLOW_DOWN: FaultKind = { kind: 'answer', status: 503, code: 'SlowDown' };

export const forever = { times: Number.POSITIVE_INFINITY };

/** A bucket with small parts, and what the tests of its faults do with it. */
export interface FaultyBucket extends Pick<OwnBucket, 's3' | 'driver'> {
  /** Writes CONTENT to TARGET by an upload. */
  upload(options?: { readonly target?: string }): Promise<void>;
  /** A new driver that gives up soon: for failures without end. */
  giveUpSoon(): Promise<void>;
}

export function faultyBucket(): FaultyBucket {
  const own = ownBucket({ chunkSize: PART });
  beforeEach(() => {
    own.s3.store.smallestPart = PART;
  });
  return {
    get s3() {
      return own.s3;
    },
    get driver() {
      return own.driver;
    },
    async upload(options = {}) {
      const writer = await own.driver.uploads.create(FOLDER, options);
      await writer.append(CONTENT);
      await writer.commit(TARGET);
    },
    giveUpSoon() {
      return own.reopen({ timing: { ...FAST, retryFor: 200 } });
    },
  };
}
