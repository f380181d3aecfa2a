import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { parseRepositoryName } from '../../../../src/oci/repository-name.ts';
import { ownBucket } from '../../../support/s3/own-bucket.ts';
import { createTestRegistry } from '../../../support/test-registry.ts';

const name = parseRepositoryName('team/app');

// Signs of life would be counted too, and a holder that a busy machine makes wait beyond a short verdict signs anew.
const bucket = ownBucket({ every: () => () => {}, timing: {} });

const registry = () => createTestRegistry({ driver: bucket.driver }).storage;

/** Requests that `work` costs, by what they do and the last segment of their key; lists of candidates apart. */
async function costOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = bucket.s3.script.seen.length;
  await work();
  const counts: Record<string, number> = {};
  for (const { operation, key } of bucket.s3.script.seen.slice(before)) {
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
    expect(bucket.s3.script.count('ListObjectsV2')).toBe(2);
    await expect
      .poll(() => [...bucket.s3.store.objects.keys()].filter((key) => key.includes('_uploads')))
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
