import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseRepositoryName } from '../../../../src/oci/repository-name.ts';
import { uploadFolder, uploadStartedAtKey } from '../../../../src/storage/layout.ts';
import { createS3Driver } from '../../../../src/storage/s3/s3-driver.ts';
import { UploadReaper } from '../../../../src/storage/upload-reaper.ts';
import { pattern } from '../../../contract/storage-harness.ts';
import { ownBucket } from '../../../support/s3/own-bucket.ts';
import { s3Options } from '../../../support/s3/s3-harness.ts';

const HOUR = 3_600_000;
const MIB = 1024 * 1024;
const name = parseRepositoryName('team/app');
const id = randomUUID();
const blob = 'docker/registry/v2/blobs/sha256/aa/aabb/data';

const bucket = ownBucket();

/** As it would be in so many hours, with distribution's age of a day. */
async function reapIn(hours: number, dryRun = false) {
  const told: string[] = [];
  const note = (_: object, message: string) => told.push(message);
  const clock = () => new Date(Date.now() + hours * HOUR);
  const reaper = new UploadReaper(bucket.driver, { log: { info: note, warn: note }, clock });
  const removed = await reaper.reap({ age: 24 * HOUR, dryRun, signal: AbortSignal.timeout(10_000) });
  return { removed, told };
}

const aborted = () => bucket.s3.script.count('AbortMultipartUpload');

describe('a multipart upload whose session is gone', () => {
  it('is aborted by the reaper when nothing was added for the age of a session', async () => {
    const { unfinishedWrites } = bucket.driver.capabilities ?? {};
    expect(unfinishedWrites).toBeDefined();
    bucket.s3.store.begin(blob);
    expect(await reapIn(23)).toEqual({ removed: 0, told: [] });
    expect(await reapIn(25, true)).toEqual({
      removed: 0,
      told: ['unfinished writes that nobody goes on with'],
    });
    expect([aborted(), bucket.s3.store.uploads.size]).toEqual([0, 1]);
    await reapIn(25);
    expect([aborted(), bucket.s3.store.uploads.size]).toEqual([1, 0]);
  });

  it('stays while parts come', async () => {
    const upload = bucket.s3.store.uploads.get(bucket.s3.store.begin(blob));
    upload?.parts.set(1, {
      content: Buffer.alloc(1),
      etag: '"a"',
      modifiedAt: new Date(Date.now() + 2 * HOUR),
    });
    await reapIn(25);
    expect(aborted()).toBe(0);
    await reapIn(27);
    expect(aborted()).toBe(1);
  });

  it('stays where it is not in the tree of the registry', async () => {
    bucket.s3.store.begin('backups/of/somebody/else');
    await reapIn(25);
    expect(bucket.s3.store.uploads.size).toBe(1);
  });
});

describe('a session that is reaped', () => {
  it('takes the multipart upload along that its dead writer had begun', async () => {
    const dead = createS3Driver(s3Options(bucket.s3, { every: () => () => {} }));
    const writer = await dead.uploads.create(uploadFolder(name, id), { target: blob });
    for (let turn = 0; turn < 2; turn += 1) await writer.append(pattern(6 * MIB));
    await expect.poll(() => bucket.s3.store.uploads.size).toBe(1);
    expect((await reapIn(25)).removed).toBe(1);
    await expect.poll(() => bucket.s3.store.uploads.size).toBe(0);
    expect([...bucket.s3.store.objects.keys()].filter((key) => key.includes('_uploads'))).toEqual([]);
    await writer.close();
    await dead.close();
  });

  it("takes distribution's multipart upload along", async () => {
    bucket.s3.store.put(uploadStartedAtKey(name, id), Buffer.from(new Date().toISOString()));
    bucket.s3.store.begin(`${uploadFolder(name, id)}/data`);
    expect((await reapIn(25)).removed).toBe(1);
    expect([aborted(), bucket.s3.store.uploads.size, bucket.s3.store.objects.size]).toEqual([1, 0, 0]);
  });
});
