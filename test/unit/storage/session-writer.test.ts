import { expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseRepositoryName } from '../../../src/oci/repository-name.ts';
import type { UploadWriter } from '../../../src/storage/driver.ts';
import { createHasherPool } from '../../../src/storage/hashing/hasher-pool.ts';
import { createInMemoryDriver } from '../../../src/storage/inmemory/inmemory-driver.ts';
import { createRegistryStorage } from '../../../src/storage/registry-storage.ts';
import { StorageFullError } from '../../../src/storage/storage-errors.ts';
import { pattern } from '../../contract/storage-harness.ts';

it('has the right digest of an upload that goes on after a chunk for which there was no room', async () => {
  await using held = new AsyncDisposableStack();
  const hashers = createHasherPool();
  held.defer(() => hashers.close());
  const room = { left: 100_000 };
  const { uploads } = createRegistryStorage(withRoom(room), {
    log: { warn: () => {} },
    hashers,
    now: () => 0,
    clock: () => new Date(0),
  });
  const name = parseRepositoryName('team/app');
  const content = pattern(200_000);
  const id = await uploads.start(name);
  const append = async (start: number) => {
    await using writer = await uploads.open(name, id);
    await writer.append(inPieces(content.subarray(start)));
  };
  await expect(append(0)).rejects.toThrow(StorageFullError);
  room.left = Number.POSITIVE_INFINITY;
  await append(await uploads.size(name, id));
  await using writer = await uploads.open(name, id);
  await writer.finish(digestOf(content));
});

/** A driver whose uploads take no more than `left` bytes. */
function withRoom(room: { left: number }) {
  const driver = createInMemoryDriver();
  const limited = (writer: UploadWriter): UploadWriter => ({
    get size() {
      return writer.size;
    },
    append: async (chunk) => {
      room.left -= chunk.byteLength;
      if (room.left < 0) throw new StorageFullError('no room');
      await writer.append(chunk);
    },
    content: () => writer.content(),
    commit: (key) => writer.commit(key),
    drop: () => writer.drop(),
    close: () => writer.close(),
  });
  return {
    ...driver,
    uploads: {
      ...driver.uploads,
      create: async (...args: Parameters<typeof driver.uploads.create>) =>
        limited(await driver.uploads.create(...args)),
      open: async (...args: Parameters<typeof driver.uploads.open>) =>
        limited(await driver.uploads.open(...args)),
    },
  };
}

async function* inPieces(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.byteLength; at += 30_000) yield content.subarray(at, at + 30_000);
}
