import { afterEach, beforeEach, expect, it } from 'vitest';
import type { StorageDriver, UploadWriter } from '../../../../src/storage/driver.ts';
import { UploadLostError } from '../../../../src/storage/storage-errors.ts';
import { collect, readAll, type StorageHarness } from '../../../contract/storage-harness.ts';
import { FOLDER, TARGET } from '../../../support/s3/faulty-bucket.ts';
import { s3Harness } from '../../../support/s3/s3-harness.ts';
import { InProcessS3 } from '../../../support/s3/s3-server.ts';

const PART = 1024 * 1024;

let s3: InProcessS3;
let harness: StorageHarness;

beforeEach(async () => {
  s3 = await InProcessS3.start();
  harness = s3Harness(s3, { chunkSize: PART, bufferMemory: 2 * PART });
});
afterEach(() => harness.close());

/** Takes the buffers of all that are silent, until the writer's tail lies in the bucket. */
async function spill(driver: StorageDriver, writer: UploadWriter, content: Buffer): Promise<void> {
  const tails = s3.script.count('PutObject');
  await writer.append(content);
  const others = await Promise.all(
    ['a', 'b'].map(async (name) => {
      const other = await driver.uploads.create(`others/${name}`);
      await other.append(Buffer.alloc(200_000));
      return other;
    }),
  );
  expect(s3.script.count('PutObject')).toBeGreaterThan(tails);
  for (const other of others) await other.drop();
}

it('a tail that became the beginning of a part counts once', async () => {
  const [one, two] = [await harness.start(), await harness.start()];
  const writer = await one.driver.uploads.create(FOLDER);
  const { promise, resolve } = Promise.withResolvers<void>();
  s3.fail({ operation: 'PutObject', key: /a\/_uploads\/1\/lock/, fault: { kind: 'wait', until: promise } });
  const beats = () => s3.script.seen.filter(({ key }) => key === `${FOLDER}/lock.s3`).length;
  await expect.poll(beats).toBe(2);
  await spill(one.driver, writer, Buffer.alloc(300_000, 'x'));
  await writer.append(Buffer.alloc(PART, 'x'));
  await expect
    .poll(() => [...s3.store.objects.keys()].filter((key) => key.includes('data.e')))
    .toHaveLength(1);
  resolve();
  await expect.poll(beats).toBeGreaterThan(3);
  one.freeze?.();
  const next = await two.driver.uploads.open(FOLDER);
  expect(next.size).toBe(PART);
  await next.drop();
});

it('a body with a known digest loses nothing to a writer that was taken for dead', async () => {
  const [one, two] = await Promise.all([harness.start(), harness.start()]);
  await one.driver.uploads.begin?.(FOLDER, { beside: [] });
  const dead = await one.driver.uploads.open(FOLDER, { target: TARGET });
  await spill(one.driver, dead, Buffer.alloc(300_000, 'x'));
  one.freeze?.();
  const alive = await two.driver.uploads.open(FOLDER, { target: TARGET });
  await spill(two.driver, alive, Buffer.alloc(300_000, 'y'));
  await dead.close();
  await one.driver.close();
  await alive.commit(TARGET);
  expect((await readAll(two.driver, TARGET)).equals(Buffer.alloc(300_000, 'y'))).toBe(true);
});

it('a writer whose tail was taken over says that it was, whatever it does next', async () => {
  const [one, two] = [await harness.start(), await harness.start()];
  const writer = await one.driver.uploads.create(FOLDER);
  await spill(one.driver, writer, Buffer.alloc(300_000));
  one.freeze?.();
  await (await two.driver.uploads.open(FOLDER)).drop();
  await expect(collect(writer.content())).rejects.toThrow(UploadLostError);
  await expect(writer.close()).rejects.toThrow(UploadLostError);
});
