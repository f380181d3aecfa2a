import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { parseRepositoryName } from '../../../../src/oci/repository-name.ts';
import type { StorageDriver } from '../../../../src/storage/driver.ts';
import { createS3Driver } from '../../../../src/storage/s3/s3-driver.ts';
import { s3Options } from '../../../support/s3/s3-harness.ts';
import { InProcessS3 } from '../../../support/s3/s3-server.ts';
import { createTestRegistry } from '../../../support/test-registry.ts';

const name = parseRepositoryName('team/app');

let s3: InProcessS3;
let driver: StorageDriver;

beforeEach(async () => {
  s3 = await InProcessS3.start();
  // Signs of life would be counted too.
  driver = createS3Driver(s3Options(s3, { every: () => () => {} }));
});
afterEach(async () => {
  await driver.close();
  await s3[Symbol.asyncDispose]();
});

const registry = () => createTestRegistry({ driver }).storage;

/** Requests that `work` costs, by what they do and the last segment of their key; lists of candidates apart. */
async function costOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = s3.script.seen.length;
  await work();
  const counts: Record<string, number> = {};
  for (const { operation, key } of s3.script.seen.slice(before)) {
    if (/candidates/.test(key) || operation === 'ListObjectsV2') continue;
    const what = `${operation} ${key.split('/').at(-1)}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

async function* once(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}

describe('a small blob', () => {
  const content = randomBytes(4096);
  const digest = digestOf(content, 'sha256');

  it('costs five requests by POST and PUT', async () => {
    const { uploads } = registry();
    const cost = await costOf(async () => {
      const id = await uploads.start(name);
      await using writer = await uploads.open(name, id, digest);
      await writer.append(once(content), digest);
      await writer.finish(digest);
    });
    expect(cost).toEqual({
      'PutObject lock.s3': 2,
      'PutObject data': 1,
      'DeleteObject lock.s3': 1,
      'PutObject link': 1,
    });
  });

  it('costs seven requests by POST, PATCH and PUT', async () => {
    const { uploads } = registry();
    const cost = await costOf(async () => {
      const id = await uploads.start(name);
      {
        await using writer = await uploads.open(name, id);
        await writer.append(once(content));
      }
      await using writer = await uploads.open(name, id, digest);
      await writer.finish(digest);
    });
    expect(cost).toEqual({
      'PutObject lock.s3': 4,
      'PutObject data': 1,
      'DeleteObject lock.s3': 1,
      'PutObject link': 1,
    });
  });

  it('costs two requests by POST alone', async () => {
    const { uploads } = registry();
    const cost = await costOf(async () => {
      await using writer = await uploads.openNew(name, digest);
      await writer.append(once(content), digest);
      await writer.finish(digest);
    });
    expect(cost).toEqual({ 'PutObject data': 1, 'PutObject link': 1 });
  });

  it('is not looked for again by the manifest that follows, and is later', async () => {
    const { uploads, references, contents } = registry();
    await using writer = await uploads.openNew(name, digest);
    await writer.append(once(content), digest);
    await writer.finish(digest);
    expect(await costOf(() => references.keepBlob(name, digest))).toEqual({});
    expect(contents.isJustPlaced(digest, 0)).toBe(false);
    const other = registry();
    expect(await other.references.keepBlob(name, digest)).toBe(true);
    expect(await costOf(() => other.references.keepBlob(name, digest))).toEqual({ 'GetObject data': 1 });
  });
});

describe('what an upload leaves', () => {
  it('is nothing, also where its folder held more and it grew over several parts and writers', async () => {
    const { uploads } = registry();
    const id = await uploads.start(name, 'sha512');
    const chunk = randomBytes(6 * 1024 * 1024);
    for (let turn = 0; turn < 2; turn += 1) {
      await using writer = await uploads.open(name, id);
      await writer.append(once(chunk));
    }
    const digest = digestOf(Buffer.concat([chunk, chunk]), 'sha512');
    await using writer = await uploads.open(name, id, digest);
    await writer.finish(digest);
    expect(s3.script.count('ListObjectsV2')).toBe(2);
    await expect
      .poll(() => [...s3.store.objects.keys()].filter((key) => key.includes('_uploads')))
      .toEqual([]);
  });
});

it('what is remembered of sessions that nobody comes back to here is bounded in bytes', async () => {
  const { uploads } = registry();
  const tail = randomBytes(60_000);
  const ids = await Promise.all(Array.from({ length: 70 }, () => uploads.start(name)));
  for (const id of ids) {
    await using writer = await uploads.open(name, id);
    await writer.append(once(tail));
  }
  const reads = async (id: string | undefined) => {
    const { 'GetObject lock.s3': count = 0 } = await costOf(async () => {
      await using writer = await uploads.open(name, id ?? '');
      expect(writer.size).toBe(60_000);
    });
    return count;
  };
  expect(await reads(ids.at(-1))).toBe(0);
  expect(await reads(ids[0])).toBe(1);
});
