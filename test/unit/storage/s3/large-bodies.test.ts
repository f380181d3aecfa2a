import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import type { ObjectReader } from '../../../../src/storage/driver.ts';
import { createS3Driver } from '../../../../src/storage/s3/s3-driver.ts';
import { ownBucket } from '../../../support/s3/own-bucket.ts';
import { FAST, s3Options } from '../../../support/s3/s3-harness.ts';

const MIB = 1024 * 1024;
const content = randomBytes(9 * MIB + 7);

const bucket = ownBucket();
beforeEach(() => void bucket.s3.store.put('large', content));

/** Reads as slowly as `between` says, looking at each chunk only after it. */
async function collect(reader: ObjectReader, between: () => Promise<unknown> = async () => {}) {
  const copies: Buffer[] = [];
  for await (const chunk of reader.chunks()) {
    await between();
    copies.push(Buffer.from(chunk));
  }
  return Buffer.concat(copies);
}

it('reads a large object whole, many times at once', async () => {
  const readers = await Promise.all(Array.from({ length: 6 }, () => bucket.driver.read('large')));
  const all = await Promise.all(readers.map((reader) => collect(reader)));
  expect(all.every((each) => each.equals(content))).toBe(true);
});

it('reads a large range of it', async () => {
  const reader = await bucket.driver.read('large', { range: { start: 5, end: 3 * MIB } });
  expect((await collect(reader)).equals(content.subarray(5, 3 * MIB + 1))).toBe(true);
});

it('leaves a chunk as it is until the next one is asked for', async () => {
  const turns = async () => {
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
  };
  expect((await collect(await bucket.driver.read('large'), turns)).equals(content)).toBe(true);
});

it('goes on where a transfer broke', async () => {
  bucket.s3.fail({ operation: 'GetObject', times: 2, fault: { kind: 'cut' } });
  expect((await collect(await bucket.driver.read('large'))).equals(content)).toBe(true);
  expect(bucket.s3.script.count('GetObject')).toBe(3);
});

it('does not take a reader that waits for silence of the server', async () => {
  const patient = createS3Driver(s3Options(bucket.s3, { timing: { ...FAST, silence: 60 } }));
  let slept = false;
  const pause = async () => {
    if (slept) return;
    slept = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  };
  expect((await collect(await patient.read('large'), pause)).equals(content)).toBe(true);
  expect(bucket.s3.script.count('GetObject')).toBe(1);
  await patient.close();
});

it('lets go of the connection when reading ends early', async () => {
  for (let turn = 0; turn < 5; turn += 1) {
    const reader = await bucket.driver.read('large');
    for await (const chunk of reader.chunks()) {
      expect(chunk.byteLength).toBeGreaterThan(0);
      break;
    }
    await (await bucket.driver.read('large')).close();
  }
  expect((await collect(await bucket.driver.read('large'))).equals(content)).toBe(true);
});

it('reads a list that is as long as a large object', async () => {
  const folder = `${'long-name/'.repeat(60)}`;
  for (let index = 0; index < 1_000; index += 1) bucket.s3.store.put(`${folder}${index}`, Buffer.from('x'));
  const { entries } = await bucket.driver.list(folder.slice(0, -1), { signal: AbortSignal.timeout(3_000) });
  expect(entries).toHaveLength(1_000);
});
