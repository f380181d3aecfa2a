import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createFilesystemDriver } from '../../../src/storage/filesystem/filesystem-driver.ts';
import { UploadBusyError } from '../../../src/storage/storage-errors.ts';
import { collect } from '../../contract/storage-harness.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

const FOLDER = 'docker/registry/v2/repositories/app/_uploads/one';
const HELD = 'data.0123456789abcdef-0';

describe('filesystem driver: uploads that another process holds', () => {
  let scratch: Scratch;
  let driver: StorageDriver;
  const file = (name: string) => scratch.at('data', FOLDER, name);

  beforeEach(async () => {
    scratch = makeScratch();
    const heartbeat = { beatEvery: 25, watchFor: 300, lookEvery: 15 };
    driver = await createFilesystemDriver({ rootDirectory: scratch.at('data'), heartbeat });
    await mkdir(scratch.at('data', FOLDER), { recursive: true });
    await writeFile(file(HELD), 'abc');
  });
  afterEach(async () => {
    await driver.close();
    await scratch[Symbol.asyncDispose]();
  });

  it.each([
    ['years behind', 1_000],
    ['years ahead', 4_000_000_000],
  ])('are busy when its beats come from a clock that is %s', async (_name, seconds) => {
    let beats = 0;
    const timer = setInterval(() => {
      beats += 1;
      utimes(file(HELD), seconds + beats, seconds + beats).catch(() => {});
    }, 20);
    try {
      await expect(driver.uploads.open(FOLDER)).rejects.toThrow(UploadBusyError);
      expect(await driver.uploads.size(FOLDER)).toBe(3);
    } finally {
      clearInterval(timer);
    }
  });

  it('are taken over when its clock was ahead and it is silent', async () => {
    const future = new Date(Date.now() + 3_600_000);
    await utimes(file(HELD), future, future);
    const writer = await driver.uploads.open(FOLDER);
    expect((await collect(writer.content())).toString()).toBe('abc');
    await writer.close();
    expect(await readdir(scratch.at('data', FOLDER))).toEqual(['data']);
  });

  it('are taken over where a takeover was cut', async () => {
    await writeFile(file('data-copy.fedcba9876543210-0'), 'a');
    const writer = await driver.uploads.open(FOLDER);
    expect(writer.size).toBe(3);
    await writer.commit('docker/registry/v2/blobs/sha256/aa/aabb/data');
    expect(await readdir(scratch.at('data', 'docker/registry/v2/repositories/app/_uploads'))).toEqual([]);
  });

  it('are no longer watched when the caller has gone', async () => {
    const controller = new AbortController();
    const opening = driver.uploads.open(FOLDER, { signal: controller.signal });
    controller.abort();
    await expect(opening).rejects.toThrow();
    expect((await driver.uploads.open(FOLDER)).size).toBe(3);
  });
});
