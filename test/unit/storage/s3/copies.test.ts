import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyParts } from '../../../../src/storage/s3/copies.ts';
import { createS3Driver } from '../../../../src/storage/s3/s3-driver.ts';
import type { S3Options } from '../../../../src/storage/s3/s3-options.ts';
import { s3Options } from '../../../support/s3/s3-harness.ts';
import { InProcessS3 } from '../../../support/s3/s3-server.ts';

const MIB = 1024 * 1024;

let s3: InProcessS3;

beforeEach(async () => {
  s3 = await InProcessS3.start();
});
afterEach(() => s3[Symbol.asyncDispose]());

/** Pushes as PATCH and an empty PUT do. */
async function pushPatched(content: Buffer, options: Partial<S3Options>): Promise<void> {
  const driver = createS3Driver(s3Options(s3, options));
  const writer = await driver.uploads.create('uploads/1');
  await writer.append(content);
  await writer.close();
  await (await driver.uploads.open('uploads/1')).commit('blobs/1');
  await driver.close();
  expect(s3.store.objects.get('blobs/1')?.content.equals(content)).toBe(true);
  expect([...s3.store.objects.keys()]).toEqual(['blobs/1']);
}

const copies = () =>
  s3.script.seen
    .filter(({ operation }) => operation === 'UploadPartCopy')
    .map(({ headers }) => headers['x-amz-copy-source-range'] ?? 'whole')
    .sort();

describe('what was patched is put in place by the server of the bucket', () => {
  it('as whole objects up to the threshold', async () => {
    await pushPatched(randomBytes(11 * MIB), { chunkSize: 5 * MIB });
    expect(copies()).toEqual(['whole', 'whole', 'whole']);
    expect(s3.script.count('GetObject')).toBe(0);
  });

  it('in pieces of multipartcopychunksize above multipartcopythresholdsize', async () => {
    await pushPatched(randomBytes(18 * MIB), {
      chunkSize: 16 * MIB,
      multipartCopyThresholdSize: 8 * MIB,
      multipartCopyChunkSize: 5 * MIB,
    });
    // The last piece of the first object is longer, rather than too short for a part.
    expect(copies()).toEqual([
      `bytes=0-${5 * MIB - 1}`,
      `bytes=${10 * MIB}-${16 * MIB - 1}`,
      `bytes=${5 * MIB}-${10 * MIB - 1}`,
      'whole',
    ]);
  });

  it('by one copy when it is less than a part', async () => {
    await pushPatched(randomBytes(3 * MIB), {});
    expect(s3.script.count('CopyObject')).toBe(1);
    expect(s3.script.count('GetObject')).toBe(0);
    expect(s3.script.count('CreateMultipartUpload')).toBe(0);
  });

  it('with as many copies at once as multipartcopymaxconcurrency says', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    s3.fail({ operation: 'UploadPartCopy', times: 2, fault: { kind: 'wait', until: promise } });
    const pushing = pushPatched(randomBytes(26 * MIB), {
      chunkSize: 5 * MIB,
      multipartCopyMaxConcurrency: 2,
    });
    await expect.poll(() => copies().length).toBe(2);
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
    expect(copies()).toHaveLength(2);
    resolve();
    await pushing;
    expect(copies()).toHaveLength(6);
  });
});

it('no piece of a copy is too short for a part', () => {
  for (let size = 9 * MIB; size < 60 * MIB; size += 777_777) {
    const rules = { chunkSize: 8 * MIB, threshold: 8 * MIB, atOnce: 1 };
    const parts = copyParts([{ key: 'a', size }], rules);
    let at = 0;
    for (const { range } of parts) {
      expect(range?.start).toBe(at);
      at = (range?.end ?? 0) + 1;
      expect(at - (range?.start ?? 0)).toBeGreaterThanOrEqual(5 * MIB);
    }
    expect(at).toBe(size);
  }
});

it('tells of every request and its answer, without signatures, where a log is given', async () => {
  const lines: object[] = [];
  const driver = createS3Driver(s3Options(s3, { requestLog: (line) => lines.push(line) }));
  s3.fail({ operation: 'PutObject', fault: { kind: 'reset' } });
  await driver.write('a/link', Buffer.from('x'));
  await driver.close();
  expect(lines).toMatchObject([
    { method: 'PUT', path: '/registry/a/link?x-id=PutObject', error: expect.any(String) },
    { method: 'PUT', path: '/registry/a/link?x-id=PutObject', status: 200 },
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/signature/i);
});
