import { statfs } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createFilesystemDriver } from '../../src/storage/filesystem/filesystem-driver.ts';
import { StorageFullError } from '../../src/storage/storage-errors.ts';
import { pattern, readAll } from '../contract/storage-harness.ts';
import { describeWith } from '../support/describe-with.ts';
import { makeScratch } from '../support/scratch.ts';
import { mountTmpfs } from '../support/tmpfs.ts';

const ROOT = 'docker/registry/v2';
const LINK = `${ROOT}/repositories/app/_layers/sha256/abc/link`;
const UPLOADS = `${ROOT}/repositories/app/_uploads`;

describeWith(['root'], 'the filesystem driver on a full disk', () => {
  it('keeps what was there, deletes without room, and goes on when there is room again', async () => {
    await using scratch = makeScratch();
    await using _disk = await mountTmpfs(scratch.at('disk'), '8m');
    const driver = await createFilesystemDriver({ rootDirectory: scratch.at('disk') });
    await driver.write(LINK, Buffer.from('sha256:abc'));
    const earlier = await driver.uploads.create(`${UPLOADS}/earlier`);
    await earlier.append(pattern(2_000_000));
    await earlier.commit(`${ROOT}/blobs/sha256/aa/aabb/data`);

    const writer = await driver.uploads.create(`${UPLOADS}/large`);
    const chunk = pattern(1_000_000);
    const fill = async () => {
      for (;;) await writer.append(chunk);
    };
    await expect(fill()).rejects.toThrow(StorageFullError);
    expect(writer.size % chunk.length).toBe(0);
    const kept = writer.size;
    await expect(writer.append(chunk)).rejects.toThrow(StorageFullError);
    expect(writer.size).toBe(kept);

    const filler = await driver.uploads.create(`${UPLOADS}/filler`);
    const { bavail, bsize } = await statfs(scratch.at('disk'));
    await filler.append(Buffer.alloc(bavail * bsize));
    await expect(driver.write(`${LINK}-other`, Buffer.from('x'))).rejects.toThrow(StorageFullError);
    await expect(driver.write(LINK, Buffer.from('sha256:def'))).rejects.toThrow(StorageFullError);
    expect((await readAll(driver, LINK)).toString()).toBe('sha256:abc');
    expect((await readAll(driver, `${ROOT}/blobs/sha256/aa/aabb/data`)).equals(pattern(2_000_000))).toBe(
      true,
    );

    await driver.delete(LINK);
    await driver.deleteFolder(`${ROOT}/blobs/sha256/aa/aabb`);
    await filler.drop();
    await writer.append(chunk);
    await writer.close();
    const again = await driver.uploads.open(`${UPLOADS}/large`);
    expect(again.size).toBe(kept + chunk.length);
    await again.commit(`${ROOT}/blobs/sha256/cc/ccdd/data`);
    const expected = Buffer.concat(Array.from({ length: again.size / chunk.length }, () => chunk));
    expect((await readAll(driver, `${ROOT}/blobs/sha256/cc/ccdd/data`)).equals(expected)).toBe(true);
    await driver.close();
  });
});
