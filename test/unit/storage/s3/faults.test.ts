import { describe, expect, it } from 'vitest';
import { StorageUnavailableError } from '../../../../src/storage/storage-errors.ts';
import { listNames, readAll } from '../../../contract/storage-harness.ts';
import {
  CONTENT,
  FOLDER,
  faultyBucket,
  forever,
  SLOW_DOWN,
  TARGET,
} from '../../../support/s3/faulty-bucket.ts';
import type { S3Operation } from '../../../support/s3/s3-faults.ts';

const bucket = faultyBucket();

/** Uses every operation the driver has. */
const useEverything = async () => {
  await bucket.driver.write('a/link', Buffer.from('x'));
  expect((await bucket.driver.stat('a/link')).size).toBe(1);
  expect(await listNames(bucket.driver, 'a')).toEqual(['link']);
  await bucket.upload();
  expect((await readAll(bucket.driver, TARGET)).equals(CONTENT)).toBe(true);
  await bucket.driver.delete(TARGET);
  await bucket.upload({ target: TARGET });
  expect((await readAll(bucket.driver, TARGET)).equals(CONTENT)).toBe(true);
  const dropped = await bucket.driver.uploads.create(FOLDER, { target: TARGET });
  await dropped.append(CONTENT);
  await dropped.drop();
  await bucket.driver.deleteFolder('a');
  expect(await listNames(bucket.driver, '')).toEqual(['docker/']);
};

const operations: readonly S3Operation[] = [
  'GetObject',
  'PutObject',
  'DeleteObject',
  'ListObjectsV2',
  'CreateMultipartUpload',
  'UploadPart',
  'UploadPartCopy',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
];

describe('an operation that fails once', () => {
  it.each(operations)('is tried again: %s', async (operation) => {
    for (const fault of [
      SLOW_DOWN,
      { kind: 'answer', status: 500, code: 'InternalError' },
      { kind: 'reset' },
      { kind: 'cut' },
    ] as const) {
      bucket.s3.fail({ operation, fault });
    }
    await useEverything();
  });

  it.each(operations)('is waited for when it answers slowly: %s', async (operation) => {
    const until = new Promise<void>((resolve) => setTimeout(resolve, 100));
    bucket.s3.fail({ operation, times: 5, fault: { kind: 'wait', until } });
    await useEverything();
    expect(bucket.s3.script.count(operation)).toBeLessThan(20);
  });

  it.each(['ListMultipartUploads', 'ListParts', 'AbortMultipartUpload'] as const)(
    'is tried again where leftovers are looked for, and told when it fails always: %s',
    async (operation) => {
      await bucket.giveUpSoon();
      const abandon = () =>
        bucket.driver.capabilities?.unfinishedWrites?.abandon({
          before: new Date(Date.now() + 60_000),
          dryRun: false,
          signal: AbortSignal.timeout(10_000),
        });
      const id = bucket.s3.store.begin(TARGET);
      bucket.s3.fail({ operation, ...forever, fault: SLOW_DOWN });
      await expect(abandon()).rejects.toThrow(StorageUnavailableError);
      bucket.s3.script.clear();
      for (const fault of [SLOW_DOWN, { kind: 'reset' }, { kind: 'cut' }] as const)
        bucket.s3.fail({ operation, fault });
      expect(await abandon()).toEqual([TARGET]);
      expect(bucket.s3.store.uploads.has(id)).toBe(false);
    },
  );

  it.each(operations.filter((each) => each !== 'GetObject'))(
    'is carried out once when only its answer was lost: %s',
    async (operation) => {
      bucket.s3.fail({ operation, times: 3, fault: { kind: 'lost-answer' } });
      await useEverything();
      expect(bucket.s3.store.uploads.size).toBeLessThanOrEqual(operation === 'CreateMultipartUpload' ? 3 : 0);
    },
  );

  it.each(['CompleteMultipartUpload', 'UploadPartCopy'] as const)(
    'is tried again when it answers 200 with an error inside: %s',
    async (operation) => {
      bucket.s3.fail({ operation, fault: { kind: 'error-in-200', code: 'InternalError' } });
      await useEverything();
    },
  );
});
