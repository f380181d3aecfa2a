import { symlinkSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageDriver, UploadWriter } from '../../../src/storage/driver.ts';
import { createFilesystemDriver } from '../../../src/storage/filesystem/filesystem-driver.ts';
import { KeyNotFoundError, StorageUnavailableError } from '../../../src/storage/storage-errors.ts';
import { listNames, readAll } from '../../contract/storage-harness.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

const ROOT = 'docker/registry/v2';
const KEY = `${ROOT}/repositories/app/_layers/sha256/abc/link`;
const UPLOAD = `${ROOT}/repositories/app/_uploads/one`;
const TARGET = `${ROOT}/blobs/sha256/aa/aabb/data`;

describe('filesystem driver: the root', () => {
  let scratch: Scratch;
  let rootDirectory: string;
  let driver: StorageDriver;

  beforeEach(async () => {
    scratch = makeScratch();
    rootDirectory = scratch.at('data');
    driver = await createFilesystemDriver({ rootDirectory });
  });
  afterEach(async () => {
    await driver.close();
    await scratch[Symbol.asyncDispose]();
  });

  it('makes the registry folder at the first start, and takes what is there later', async () => {
    expect(await readdir(scratch.at('data', ROOT))).toEqual([]);
    await driver.write(KEY, Buffer.from('x'));
    const next = await createFilesystemDriver({ rootDirectory });
    expect((await readAll(next, KEY)).toString()).toBe('x');
    await next.close();
  });

  it('refuses to start where a file is in its way', async () => {
    await writeFile(scratch.at('file'), 'x');
    await expect(createFilesystemDriver({ rootDirectory: scratch.at('file') })).rejects.toThrow(
      StorageUnavailableError,
    );
  });

  it.each([
    ['answers that nothing is there, as /proc does', () => '/proc/fairlead/data'],
    [
      'is a symbolic link to a volume that is not there',
      () => {
        symlinkSync(scratch.at('volume/data'), scratch.at('link'));
        return scratch.at('link');
      },
    ],
  ])('refuses to start on a folder that %s', async (_, folder) => {
    await expect(createFilesystemDriver({ rootDirectory: folder() })).rejects.toThrow(
      StorageUnavailableError,
    );
  });

  const outages: readonly [string, () => Promise<void>, () => Promise<void>][] = [
    [
      'goes away',
      () => rename(rootDirectory, scratch.at('elsewhere')),
      () => rename(scratch.at('elsewhere'), rootDirectory),
    ],
    [
      'loses its registry folder',
      () => rename(scratch.at('data', ROOT), scratch.at('elsewhere')),
      () => rename(scratch.at('elsewhere'), scratch.at('data', ROOT)),
    ],
    [
      'is an empty folder, as under a volume that was unmounted',
      async () => {
        await rename(rootDirectory, scratch.at('elsewhere'));
        await mkdir(rootDirectory);
      },
      async () => {
        await rm(rootDirectory, { recursive: true });
        await rename(scratch.at('elsewhere'), rootDirectory);
      },
    ],
    [
      'stops being a folder',
      async () => {
        await rename(rootDirectory, scratch.at('elsewhere'));
        await writeFile(rootDirectory, 'not a folder');
      },
      async () => {
        await rm(rootDirectory);
        await rename(scratch.at('elsewhere'), rootDirectory);
      },
    ],
  ];

  const everything = (writer: UploadWriter): readonly (() => Promise<unknown>)[] => [
    () => driver.stat(KEY),
    () => driver.stat(`${ROOT}/nothing`),
    () => driver.read(KEY),
    () => driver.read(`${ROOT}/nothing`),
    () => driver.list(`${ROOT}/repositories`),
    () => driver.list(`${ROOT}/nothing`),
    () => driver.write(KEY, Buffer.from('y')),
    () => driver.write(KEY, Buffer.from('y'), { durable: false }),
    () => driver.write(`${ROOT}/new/link`, Buffer.from('y')),
    () => driver.write('beside/key', Buffer.from('y')),
    () => driver.delete(KEY),
    () => driver.delete(`${ROOT}/nothing`),
    () => driver.deleteFolder(`${ROOT}/repositories/app`),
    () => driver.uploads.create(`${UPLOAD}-new`),
    () => driver.uploads.open(`${UPLOAD}-closed`),
    () => driver.uploads.size(`${UPLOAD}-closed`),
    () => writer.commit(TARGET),
    () => writer.drop(),
  ];

  it.each(outages)('that %s is an outage for every call, until it is back', async (_name, away, back) => {
    await driver.write(KEY, Buffer.from('x'));
    await driver.list(`${ROOT}/repositories`);
    await (await driver.uploads.create(`${UPLOAD}-closed`)).close();
    const writer = await driver.uploads.create(UPLOAD);
    await writer.append(Buffer.from('blob'));

    await away();
    for (const call of everything(writer)) {
      await expect(call(), String(call)).rejects.toThrow(StorageUnavailableError);
    }
    await back();

    expect((await readAll(driver, KEY)).toString()).toBe('x');
    expect(await listNames(driver, `${ROOT}/repositories`)).toEqual(['app/']);
    expect(await driver.list(`${ROOT}/nothing`)).toEqual({ entries: [], more: false });
    await expect(driver.stat(`${ROOT}/nothing`)).rejects.toThrow(KeyNotFoundError);
    await driver.write(`${ROOT}/new/link`, Buffer.from('y'));
    await (await driver.uploads.open(`${UPLOAD}-closed`)).drop();
    await writer.commit(TARGET);
    await writer.close();
    expect((await readAll(driver, TARGET)).toString()).toBe('blob');
    expect(await readdir(rootDirectory)).toEqual(['docker']);
  });

  it('makes nothing anew while it is away', async () => {
    await rename(rootDirectory, scratch.at('elsewhere'));
    await expect(driver.write(KEY, Buffer.from('x'))).rejects.toThrow(StorageUnavailableError);
    await expect(driver.uploads.create(UPLOAD)).rejects.toThrow(StorageUnavailableError);
    expect(await readdir(scratch.path)).toEqual(['elsewhere']);
  });
});
