import { beforeEach, describe, expect, it } from 'vitest';
import { createS3Driver } from '../../../../src/storage/s3/s3-driver.ts';
import {
  KeyNotFoundError,
  StorageFullError,
  StorageUnavailableError,
} from '../../../../src/storage/storage-errors.ts';
import { collect, pattern, readAll } from '../../../contract/storage-harness.ts';
import {
  CONTENT,
  FOLDER,
  faultyBucket,
  forever,
  PART,
  SLOW_DOWN,
  TARGET,
} from '../../../support/s3/faulty-bucket.ts';
import type { FaultKind } from '../../../support/s3/s3-faults.ts';
import { FAST, s3Options } from '../../../support/s3/s3-harness.ts';

const bucket = faultyBucket();

describe('an outage', () => {
  beforeEach(() => bucket.giveUpSoon());

  const outages: readonly FaultKind[] = [
    SLOW_DOWN,
    { kind: 'answer', status: 403, code: 'AccessDenied' },
    { kind: 'answer', status: 404, code: 'NoSuchBucket' },
    { kind: 'answer', status: 404, code: 'SomethingElse' },
    { kind: 'reset' },
  ];

  it.each(outages)('is told as such by everything that asks: %j', async (fault) => {
    await bucket.driver.write('a/link', Buffer.from('x'));
    const writer = await bucket.driver.uploads.create(FOLDER);
    await writer.close();
    bucket.s3.fail({ operation: 'any', ...forever, fault });
    const asked = await Promise.allSettled([
      bucket.driver.stat('a/link'),
      bucket.driver.stat('a/nothing'),
      bucket.driver.read('a/link'),
      bucket.driver.list('a'),
      bucket.driver.list('nothing'),
      bucket.driver.write('a/link', Buffer.from('y')),
      bucket.driver.delete('a/link'),
      bucket.driver.deleteFolder('a'),
      bucket.driver.uploads.create(`${FOLDER}2`),
      bucket.driver.uploads.open(FOLDER),
      bucket.driver.uploads.size(FOLDER),
    ]);
    for (const each of asked) {
      expect(each.status).toBe('rejected');
      if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(StorageUnavailableError);
    }
    bucket.s3.script.clear();
    expect((await readAll(bucket.driver, 'a/link')).toString()).toBe('x');
    await (await bucket.driver.uploads.open(FOLDER)).drop();
  });

  it('is what a bucket that is gone means, and a missing key does not', async () => {
    await expect(bucket.driver.stat('a/link')).rejects.toThrow(KeyNotFoundError);
    bucket.s3.exists = false;
    await expect(bucket.driver.stat('a/link')).rejects.toThrow(StorageUnavailableError);
    await expect(bucket.driver.list('a')).rejects.toThrow(StorageUnavailableError);
    bucket.s3.exists = true;
    await expect(bucket.driver.stat('a/link')).rejects.toThrow(KeyNotFoundError);
  });

  it('is told when the server is silent', async () => {
    const impatient = createS3Driver(
      s3Options(bucket.s3, { timing: { ...FAST, silence: 100, longSilence: 100 } }),
    );
    bucket.s3.fail({ operation: 'GetObject', fault: { kind: 'silence' } });
    await expect(impatient.stat('a/link')).rejects.toThrow('no answer for 0.1 s');
    await impatient.close();
  });

  it('is told to all who wait when the server is silent, however many they are', async () => {
    const silence = { silence: 300, longSilence: 300 };
    const impatient = createS3Driver(
      s3Options(bucket.s3, { chunkSize: PART, bufferMemory: 1024 * 1024, timing: { ...FAST, ...silence } }),
    );
    bucket.s3.fail({ operation: 'any', ...forever, fault: { kind: 'silence' } });
    const begun = performance.now();
    const readers = Array.from({ length: 600 }, (_, number) => impatient.stat(`a/${number}`));
    const uploads = Array.from({ length: 20 }, async (_, number) => {
      const writer = await impatient.uploads.create(`u/${number}`, { target: TARGET, unshared: true });
      try {
        await writer.append(CONTENT);
        await writer.commit(TARGET);
      } finally {
        await writer.close();
      }
    });
    for (const asked of await Promise.allSettled([...readers, ...uploads])) {
      expect(asked.status).toBe('rejected');
      if (asked.status === 'rejected') expect(asked.reason).toBeInstanceOf(StorageUnavailableError);
    }
    // Once or twice the silence, where one after the other would take it five and twenty times.
    expect(performance.now() - begun).toBeLessThan(1_200);
    await impatient.close();
  });

  it('is told when nobody listens', async () => {
    const nobody = createS3Driver(s3Options(bucket.s3, { timing: { ...FAST, retryFor: 200 } }));
    await bucket.s3[Symbol.asyncDispose]();
    await expect(nobody.list('a')).rejects.toThrow(StorageUnavailableError);
    await nobody.close();
  });

  it('tells a full bucket from one that cannot be asked', async () => {
    bucket.s3.fail({
      operation: 'PutObject',
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'answer', status: 507, code: 'XMinioStorageFull' },
    });
    await expect(bucket.driver.write('a/link', Buffer.from('x'))).rejects.toThrow(StorageFullError);
  });
});

describe('a transfer', () => {
  it('goes on where it was cut', async () => {
    await bucket.upload();
    bucket.s3.fail({ operation: 'GetObject', times: 5, fault: { kind: 'cut' } });
    expect((await readAll(bucket.driver, TARGET)).equals(CONTENT)).toBe(true);
  });

  it('ends with an error when it is cut without end', async () => {
    await bucket.driver.write('a/link', Buffer.from('x'));
    bucket.s3.fail({ operation: 'GetObject', ...forever, fault: { kind: 'cut' } });
    await expect(readAll(bucket.driver, 'a/link')).rejects.toThrow(StorageUnavailableError);
  });

  it('never goes on in another version of the object', async () => {
    await bucket.upload();
    bucket.s3.fail({ operation: 'GetObject', fault: { kind: 'cut' } });
    const reader = await bucket.driver.read(TARGET);
    bucket.s3.store.put(TARGET, pattern(PART + 50_000, 2));
    await expect(collect(reader.chunks())).rejects.toThrow(StorageUnavailableError);
  });
});
