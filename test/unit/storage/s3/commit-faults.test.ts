import { beforeEach, describe, expect, it } from 'vitest';
import { createS3Driver } from '../../../../src/storage/s3/s3-driver.ts';
import {
  KeyNotFoundError,
  StorageUnavailableError,
  UploadLostError,
} from '../../../../src/storage/storage-errors.ts';
import { collect, listNames, readAll } from '../../../contract/storage-harness.ts';
import {
  CONTENT,
  FOLDER,
  faultyBucket,
  forever,
  PART,
  SLOW_DOWN,
  TARGET,
} from '../../../support/s3/faulty-bucket.ts';
import { s3Options } from '../../../support/s3/s3-harness.ts';

const bucket = faultyBucket();

describe('a commit that fails', () => {
  beforeEach(() => bucket.giveUpSoon());

  it.each([
    ['CompleteMultipartUpload', { kind: 'error-in-200', code: 'InternalError' }],
    ['CompleteMultipartUpload', SLOW_DOWN],
    ['UploadPartCopy', SLOW_DOWN],
    ['CreateMultipartUpload', { kind: 'reset' }],
  ] as const)('leaves nothing at the key and the upload to try again: %s %j', async (operation, fault) => {
    const writer = await bucket.driver.uploads.create(FOLDER);
    await writer.append(CONTENT);
    bucket.s3.fail({ operation, ...forever, fault });
    await expect(writer.commit(TARGET)).rejects.toThrow(StorageUnavailableError);
    await writer.close();
    await expect(bucket.driver.stat(TARGET)).rejects.toThrow(KeyNotFoundError);
    bucket.s3.script.clear();
    const again = await bucket.driver.uploads.open(FOLDER);
    expect(again.size).toBe(PART);
    await again.append(CONTENT.subarray(again.size));
    await again.commit(TARGET);
    expect((await readAll(bucket.driver, TARGET)).equals(CONTENT)).toBe(true);
    expect(await listNames(bucket.driver, FOLDER)).toEqual([]);
  });

  it('says what has become of an upload whose parts or whose multipart upload are gone', async () => {
    const writer = await bucket.driver.uploads.create(FOLDER);
    await writer.append(CONTENT);
    await collect(writer.content());
    for (const key of bucket.s3.store.keys(`${FOLDER}/data.`)) bucket.s3.store.objects.delete(key);
    await expect(writer.commit(TARGET)).rejects.toThrow(UploadLostError);
    await writer.close();
    const direct = await bucket.driver.uploads.create(`${FOLDER}2`, { target: TARGET });
    await direct.append(CONTENT);
    bucket.s3.fail({ operation: 'CompleteMultipartUpload', fault: SLOW_DOWN });
    bucket.s3.fail({
      operation: 'CompleteMultipartUpload',
      fault: { kind: 'answer', status: 404, code: 'NoSuchUpload' },
    });
    await expect(direct.commit(TARGET)).rejects.toThrow(StorageUnavailableError);
    await direct.close();
  });

  it('aborts the multipart upload of a body with a known digest', async () => {
    const writer = await bucket.driver.uploads.create(FOLDER, { target: TARGET, unshared: true });
    await writer.append(CONTENT);
    bucket.s3.fail({ operation: 'CompleteMultipartUpload', ...forever, fault: SLOW_DOWN });
    await expect(writer.commit(TARGET)).rejects.toThrow(StorageUnavailableError);
    await writer.drop();
    await writer.close();
    await bucket.driver.close();
    expect(bucket.s3.store.uploads.size).toBe(0);
    expect([...bucket.s3.store.objects.keys()]).toEqual([]);
  });

  it('keeps the parts that arrived when appending fails, also for another process', async () => {
    const writer = await bucket.driver.uploads.create(FOLDER);
    await writer.append(CONTENT);
    await collect(writer.content());
    bucket.s3.fail({ operation: 'PutObject', ...forever, fault: SLOW_DOWN });
    await expect(
      (async () => {
        for (let turn = 0; turn < 4; turn += 1) await writer.append(CONTENT);
      })(),
    ).rejects.toThrow(StorageUnavailableError);
    await writer.close();
    await bucket.driver.close();
    bucket.s3.script.clear();
    const other = createS3Driver(s3Options(bucket.s3));
    const again = await other.uploads.open(FOLDER);
    expect(again.size).toBe(PART);
    expect((await collect(again.content())).equals(CONTENT.subarray(0, PART))).toBe(true);
    await again.drop();
    await other.close();
  });

  it('is told at the latest when the writer is given back', async () => {
    const writer = await bucket.driver.uploads.create(FOLDER);
    bucket.s3.fail({ operation: 'PutObject', key: /data/, ...forever, fault: { kind: 'reset' } });
    await writer.append(CONTENT);
    await expect(writer.close()).rejects.toThrow(StorageUnavailableError);
    await writer.close();
    bucket.s3.script.clear();
    // What is given back in the background has arrived when the driver has ended.
    await bucket.giveUpSoon();
    const again = await bucket.driver.uploads.open(FOLDER);
    expect(again.size).toBe(0);
    await again.drop();
  });
});
