import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageDriver } from '../../../../src/storage/driver.ts';
import { createS3Driver } from '../../../../src/storage/s3/s3-driver.ts';
import {
  KeyNotFoundError,
  StorageFullError,
  StorageUnavailableError,
} from '../../../../src/storage/storage-errors.ts';
import { collect, listNames, pattern, readAll } from '../../../contract/storage-harness.ts';
import type { FaultKind, S3Operation } from '../../../support/s3/s3-faults.ts';
import { FAST, s3Options } from '../../../support/s3/s3-harness.ts';
import { InProcessS3 } from '../../../support/s3/s3-server.ts';

const FOLDER = 'docker/registry/v2/repositories/a/_uploads/1';
const TARGET = 'docker/registry/v2/blobs/sha256/aa/aabb/data';
const PART = 256 * 1024;

/** One part and the beginning of another. */
const CONTENT = pattern(PART + 50_000);

const SLOW_DOWN: FaultKind = { kind: 'answer', status: 503, code: 'SlowDown' };

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

const upload = async (options: { target?: string } = {}) => {
  const writer = await driver.uploads.create(FOLDER, options);
  await writer.append(CONTENT);
  await writer.commit(TARGET);
};

/** Uses every operation the driver has. */
const useEverything = async () => {
  await driver.write('a/link', Buffer.from('x'));
  expect((await driver.stat('a/link')).size).toBe(1);
  expect(await listNames(driver, 'a')).toEqual(['link']);
  await upload();
  expect((await readAll(driver, TARGET)).equals(CONTENT)).toBe(true);
  await driver.delete(TARGET);
  await upload({ target: TARGET });
  expect((await readAll(driver, TARGET)).equals(CONTENT)).toBe(true);
  const dropped = await driver.uploads.create(FOLDER, { target: TARGET });
  await dropped.append(CONTENT);
  await dropped.drop();
  await driver.deleteFolder('a');
  expect(await listNames(driver, '')).toEqual(['docker/']);
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
    ] as const) {
      s3.fail({ operation, fault });
    }
    await useEverything();
  });

  it.each(operations.filter((each) => each !== 'GetObject'))(
    'is carried out once when only its answer was lost: %s',
    async (operation) => {
      s3.fail({ operation, times: 3, fault: { kind: 'lost-answer' } });
      await useEverything();
      expect(s3.store.uploads.size).toBeLessThanOrEqual(operation === 'CreateMultipartUpload' ? 3 : 0);
    },
  );

  it.each(['CompleteMultipartUpload', 'UploadPartCopy'] as const)(
    'is tried again when it answers 200 with an error inside: %s',
    async (operation) => {
      s3.fail({ operation, fault: { kind: 'error-in-200', code: 'InternalError' } });
      await useEverything();
    },
  );
});

/** Gives up soon: for failures without end. */
const giveUpSoon = async () => {
  await driver.close();
  driver = createS3Driver(s3Options(s3, { chunkSize: PART, timing: { ...FAST, retryFor: 200 } }));
};

describe('an outage', () => {
  beforeEach(giveUpSoon);

  const outages: readonly FaultKind[] = [
    SLOW_DOWN,
    { kind: 'answer', status: 403, code: 'AccessDenied' },
    { kind: 'answer', status: 404, code: 'NoSuchBucket' },
    { kind: 'answer', status: 404, code: 'SomethingElse' },
    { kind: 'reset' },
  ];

  it.each(outages)('is told as such by everything that asks: %j', async (fault) => {
    await driver.write('a/link', Buffer.from('x'));
    const writer = await driver.uploads.create(FOLDER);
    await writer.close();
    s3.fail({ operation: 'any', times: Number.POSITIVE_INFINITY, fault });
    const asked = await Promise.allSettled([
      driver.stat('a/link'),
      driver.stat('a/nothing'),
      driver.read('a/link'),
      driver.list('a'),
      driver.list('nothing'),
      driver.write('a/link', Buffer.from('y')),
      driver.delete('a/link'),
      driver.deleteFolder('a'),
      driver.uploads.create(`${FOLDER}2`),
      driver.uploads.open(FOLDER),
      driver.uploads.size(FOLDER),
    ]);
    for (const each of asked) {
      expect(each.status).toBe('rejected');
      if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(StorageUnavailableError);
    }
    s3.script.clear();
    expect((await readAll(driver, 'a/link')).toString()).toBe('x');
    await (await driver.uploads.open(FOLDER)).drop();
  });

  it('is what a bucket that is gone means, and a missing key does not', async () => {
    await expect(driver.stat('a/link')).rejects.toThrow(KeyNotFoundError);
    s3.exists = false;
    await expect(driver.stat('a/link')).rejects.toThrow(StorageUnavailableError);
    await expect(driver.list('a')).rejects.toThrow(StorageUnavailableError);
    s3.exists = true;
    await expect(driver.stat('a/link')).rejects.toThrow(KeyNotFoundError);
  });

  it('is told when the server is silent', async () => {
    const impatient = createS3Driver(s3Options(s3, { timing: { ...FAST, silence: 100, longSilence: 100 } }));
    s3.fail({ operation: 'GetObject', fault: { kind: 'silence' } });
    await expect(impatient.stat('a/link')).rejects.toThrow('no answer for 0.1 s');
    await impatient.close();
  });

  it('is told to all who wait when the server is silent, however many they are', async () => {
    const silence = { silence: 300, longSilence: 300 };
    const impatient = createS3Driver(
      s3Options(s3, { chunkSize: PART, bufferMemory: 1024 * 1024, timing: { ...FAST, ...silence } }),
    );
    s3.fail({ operation: 'any', times: Number.POSITIVE_INFINITY, fault: { kind: 'silence' } });
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
    const nobody = createS3Driver(s3Options(s3));
    await s3[Symbol.asyncDispose]();
    await expect(nobody.list('a')).rejects.toThrow(StorageUnavailableError);
    await nobody.close();
  });

  it('tells a full bucket from one that cannot be asked', async () => {
    s3.fail({
      operation: 'PutObject',
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'answer', status: 507, code: 'XMinioStorageFull' },
    });
    await expect(driver.write('a/link', Buffer.from('x'))).rejects.toThrow(StorageFullError);
  });
});

describe('a transfer', () => {
  it('goes on where it was cut', async () => {
    await upload();
    s3.fail({ operation: 'GetObject', times: 5, fault: { kind: 'cut' } });
    expect((await readAll(driver, TARGET)).equals(CONTENT)).toBe(true);
  });

  it('ends with an error when it is cut without end', async () => {
    await driver.write('a/link', Buffer.from('x'));
    s3.fail({ operation: 'GetObject', times: Number.POSITIVE_INFINITY, fault: { kind: 'cut' } });
    await expect(readAll(driver, 'a/link')).rejects.toThrow(StorageUnavailableError);
  });

  it('never goes on in another version of the object', async () => {
    await upload();
    s3.fail({ operation: 'GetObject', fault: { kind: 'cut' } });
    const reader = await driver.read(TARGET);
    s3.store.put(TARGET, pattern(PART + 50_000, 2));
    await expect(collect(reader.chunks())).rejects.toThrow(StorageUnavailableError);
  });
});

describe('a commit that fails', () => {
  beforeEach(giveUpSoon);

  const forever = { times: Number.POSITIVE_INFINITY };

  it.each([
    ['CompleteMultipartUpload', { kind: 'error-in-200', code: 'InternalError' }],
    ['CompleteMultipartUpload', SLOW_DOWN],
    ['UploadPartCopy', SLOW_DOWN],
    ['CreateMultipartUpload', { kind: 'reset' }],
  ] as const)('leaves nothing at the key and the upload to try again: %s %j', async (operation, fault) => {
    const writer = await driver.uploads.create(FOLDER);
    await writer.append(CONTENT);
    s3.fail({ operation, ...forever, fault });
    await expect(writer.commit(TARGET)).rejects.toThrow(StorageUnavailableError);
    await writer.close();
    await expect(driver.stat(TARGET)).rejects.toThrow(KeyNotFoundError);
    s3.script.clear();
    const again = await driver.uploads.open(FOLDER);
    expect(again.size).toBe(PART);
    await again.append(CONTENT.subarray(again.size));
    await again.commit(TARGET);
    expect((await readAll(driver, TARGET)).equals(CONTENT)).toBe(true);
    expect(await listNames(driver, FOLDER)).toEqual([]);
  });

  it('aborts the multipart upload of a body with a known digest', async () => {
    const writer = await driver.uploads.create(FOLDER, { target: TARGET, unshared: true });
    await writer.append(CONTENT);
    s3.fail({ operation: 'CompleteMultipartUpload', ...forever, fault: SLOW_DOWN });
    await expect(writer.commit(TARGET)).rejects.toThrow(StorageUnavailableError);
    await writer.drop();
    await writer.close();
    await driver.close();
    expect(s3.store.uploads.size).toBe(0);
    expect([...s3.store.objects.keys()]).toEqual([]);
  });

  it('keeps the parts that arrived when appending fails, also for another process', async () => {
    const writer = await driver.uploads.create(FOLDER);
    await writer.append(CONTENT);
    await collect(writer.content());
    s3.fail({ operation: 'PutObject', ...forever, fault: SLOW_DOWN });
    await expect(
      (async () => {
        for (let turn = 0; turn < 4; turn += 1) await writer.append(CONTENT);
      })(),
    ).rejects.toThrow(StorageUnavailableError);
    await writer.close();
    await driver.close();
    s3.script.clear();
    const other = createS3Driver(s3Options(s3));
    const again = await other.uploads.open(FOLDER);
    expect(again.size).toBe(PART);
    expect((await collect(again.content())).equals(CONTENT.subarray(0, PART))).toBe(true);
    await again.drop();
    await other.close();
  });

  it('is told at the latest when the writer is given back', async () => {
    const writer = await driver.uploads.create(FOLDER);
    s3.fail({ operation: 'PutObject', key: /data/, ...forever, fault: { kind: 'reset' } });
    await writer.append(CONTENT);
    await expect(writer.close()).rejects.toThrow(StorageUnavailableError);
    await writer.close();
    s3.script.clear();
    const again = await driver.uploads.open(FOLDER);
    expect(again.size).toBe(0);
    await again.drop();
  });
});
