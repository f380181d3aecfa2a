import { afterAll, expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseRepositoryName } from '../../../src/oci/repository-name.ts';
import type { StorageDriver, UploadWriter } from '../../../src/storage/driver.ts';
import { createHasherPool } from '../../../src/storage/hashing/hasher-pool.ts';
import { createInMemoryDriver } from '../../../src/storage/inmemory/inmemory-driver.ts';
import { createRegistryStorage } from '../../../src/storage/registry-storage.ts';
import { StorageFullError } from '../../../src/storage/storage-errors.ts';
import { pattern } from '../../contract/storage-harness.ts';

const name = parseRepositoryName('team/app');
const content = pattern(200_000);

const hashers = createHasherPool();
afterAll(() => hashers.close());

it('has the right digest of an upload that goes on after a chunk for which there was no room', async () => {
  const room = { forContent: 100_000, forLinks: true };
  const uploads = uploadsWith(room);
  const id = await uploads.start(name);
  const append = async (start: number) => {
    await using writer = await uploads.open(name, id);
    await writer.append(inPieces(content.subarray(start)));
  };
  await expect(append(0)).rejects.toThrow(StorageFullError);
  room.forContent = content.byteLength;
  await append(await uploads.size(name, id));
  await using writer = await uploads.open(name, id);
  await writer.finish(digestOf(content));
});

it('has nothing to throw away when there was room for a blob but none for its link', async () => {
  const room = { forContent: content.byteLength, forLinks: true };
  const uploads = uploadsWith(room);
  await using writer = await uploads.openNew(name, digestOf(content));
  await writer.append(inPieces(content));
  room.forLinks = false;
  await expect(writer.finish(digestOf(content))).rejects.toThrow(StorageFullError);
  await writer.drop();
});

interface Room {
  /** Bytes that uploads may still take. */
  forContent: number;
  forLinks: boolean;
}

function uploadsWith(room: Room) {
  const options = { log: { warn: () => {} }, hashers, now: () => 0, clock: () => new Date(0) };
  return createRegistryStorage(driverWith(room), options).uploads;
}

function driverWith(room: Room): StorageDriver {
  const driver = createInMemoryDriver();
  const limited = (writer: UploadWriter): UploadWriter => ({
    get size() {
      return writer.size;
    },
    append: async (chunk) => {
      if (chunk.byteLength > room.forContent) throw new StorageFullError('no room');
      room.forContent -= chunk.byteLength;
      await writer.append(chunk);
    },
    content: () => writer.content(),
    commit: (key) => writer.commit(key),
    drop: () => writer.drop(),
    close: () => writer.close(),
  });
  return {
    ...driver,
    write: async (...args) => {
      if (!room.forLinks) throw new StorageFullError('no room');
      await driver.write(...args);
    },
    uploads: {
      ...driver.uploads,
      create: async (...args) => limited(await driver.uploads.create(...args)),
      open: async (...args) => limited(await driver.uploads.open(...args)),
    },
  };
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 30_000) yield bytes.subarray(at, at + 30_000);
}
