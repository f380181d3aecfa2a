import { afterEach, beforeEach, expect, it } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { parseRepositoryName } from '../../../../src/oci/repository-name.ts';
import { inlineHashers } from '../../../../src/storage/hashing/inline-hashers.ts';
import { createRegistryStorage } from '../../../../src/storage/registry-storage.ts';
import { UploadLostError } from '../../../../src/storage/storage-errors.ts';
import { pattern, type StorageHarness } from '../../../contract/storage-harness.ts';
import { s3Harness } from '../../../support/s3/s3-harness.ts';
import { InProcessS3 } from '../../../support/s3/s3-server.ts';

const name = parseRepositoryName('team/app');
const content = Buffer.from('what was sent first');
const other = Buffer.alloc(content.length, 'x');
const PART = 5 * 1024 * 1024;

let harness: StorageHarness;

beforeEach(async () => {
  harness = s3Harness(await InProcessS3.start(), { chunkSize: PART });
});
afterEach(() => harness.close());

async function replica() {
  const { driver, freeze } = await harness.start();
  const options = { log: { warn: () => {} }, hashers: inlineHashers, now: () => 0, clock: () => new Date(0) };
  return { uploads: createRegistryStorage(driver, options).uploads, freeze };
}

async function* once(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield content;
  throw new Error('the client went away');
}

it('forgets what it hashed of a body that is gone, though as much came through another process', async () => {
  const [one, two] = [await replica(), await replica()];
  const id = await one.uploads.start(name);
  const digest = digestOf(content);
  await (async () => {
    await using writer = await one.uploads.open(name, id, digest);
    await expect(writer.append(broken(), digest)).rejects.toThrow('went away');
  })();
  await (async () => {
    await using writer = await two.uploads.open(name, id);
    await writer.append(once(other));
  })();
  await using writer = await one.uploads.open(name, id, digest);
  await expect(writer.finish(digest)).rejects.toThrow(digestOf(other));
});

it('forgets what it hashed when another process took the session over', async () => {
  const [one, two] = [await replica(), await replica()];
  const id = await one.uploads.start(name);
  const dead = await one.uploads.open(name, id);
  await dead.append(once(content));
  one.freeze?.();
  await (async () => {
    await using writer = await two.uploads.open(name, id);
    await writer.append(once(other));
  })();
  await expect(dead.close()).rejects.toThrow(UploadLostError);
  await using writer = await one.uploads.open(name, id);
  await expect(writer.finish(digestOf(content))).rejects.toThrow(digestOf(other));
});

it('hashes as the digest wants it where nothing came before', async () => {
  const { uploads } = await replica();
  const large = pattern(PART + 1);
  const id = await uploads.start(name);
  await (async () => {
    await using writer = await uploads.open(name, id);
    await writer.append(once());
  })();
  const digest = digestOf(large, 'sha512');
  await using writer = await uploads.open(name, id, digest);
  await writer.append(once(large), digest);
  await writer.finish(digest);
});
