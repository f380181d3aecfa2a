import { expect, test } from 'vitest';
import { parseRepositoryName } from '../../../src/oci/repository-name.ts';
import { createInMemoryDriver } from '../../../src/storage/inmemory/inmemory-driver.ts';
import { StorageUnavailableError } from '../../../src/storage/storage-errors.ts';
import { UploadReaper } from '../../../src/storage/upload-reaper.ts';
import { createTestRegistry } from '../../support/test-registry.ts';

const HOUR = 3_600_000;
const name = parseRepositoryName('a/b');
const uploads = 'docker/registry/v2/repositories/a/b/_uploads';

function bench(driver = createInMemoryDriver()) {
  const { storage, log } = createTestRegistry({ driver });
  const lines: Record<string, unknown>[] = [];
  const note = (fields: Readonly<Record<string, unknown>>) => lines.push({ ...fields });
  const after = (milliseconds: number) =>
    new UploadReaper(driver, {
      log: { info: note, warn: note },
      clock: () => new Date(Date.now() + milliseconds),
    });
  const options = { age: 24 * HOUR, dryRun: false, signal: new AbortController().signal };
  const left = async () => (await driver.list(uploads)).entries.map((entry) => entry.name);
  return { driver, storage, log, lines, after, options, left };
}

test('a session older than the age is removed with what it holds, a younger one stays', async () => {
  const { storage, after, options, left, lines } = bench();
  const session = await storage.uploads.start(name);
  const writer = await storage.uploads.open(name, session);
  await writer.close();
  const untouched = await storage.uploads.start(name);
  expect(await after(23 * HOUR).reap(options)).toBe(0);
  expect((await left()).sort()).toEqual([session, untouched].sort());
  expect(await after(25 * HOUR).reap(options)).toBe(2);
  expect(await left()).toEqual([]);
  expect(lines).toContainEqual(expect.objectContaining({ repository: 'a/b', session }));
  await expect(storage.uploads.size(name, session)).rejects.toThrow();
});

test('a dry run only says what it would remove', async () => {
  const { storage, after, options, left } = bench();
  await storage.uploads.start(name);
  expect(await after(25 * HOUR).reap({ ...options, dryRun: true })).toBe(1);
  expect(await left()).toHaveLength(1);
});

test('a session that somebody is writing to stays', async () => {
  const { storage, after, options, left } = bench();
  const id = await storage.uploads.start(name);
  const writer = await storage.uploads.open(name, id);
  expect(await after(25 * HOUR).reap(options)).toBe(0);
  await writer.close();
  expect(await left()).toEqual([id]);
  expect(await after(25 * HOUR).reap(options)).toBe(1);
});

test('one whose startedat is missing or cannot be read is as old as its files', async () => {
  const { driver, after, options, left } = bench();
  await driver.write(`${uploads}/no-date/startedat`, Buffer.from('yesterday'));
  await driver.write(`${uploads}/no-start/algorithm`, Buffer.from('sha512'));
  expect(await after(23 * HOUR).reap(options)).toBe(0);
  expect(await after(25 * HOUR).reap(options)).toBe(2);
  expect(await left()).toEqual([]);
});

test("distribution's own time is understood", async () => {
  const { driver, after, options, left } = bench();
  await driver.write(`${uploads}/old/startedat`, Buffer.from('2019-03-04T05:06:07Z'));
  expect(await after(0).reap(options)).toBe(1);
  expect(await left()).toEqual([]);
});

test('one that cannot be removed is warned of and does not keep the others', async () => {
  const inner = createInMemoryDriver();
  const driver: typeof inner = {
    ...inner,
    stat: inner.stat,
    read: (key, options) =>
      key.includes('/broken/')
        ? Promise.reject(new StorageUnavailableError('EIO'))
        : inner.read(key, options),
  };
  const { after, options, left, lines } = bench(driver);
  for (const id of ['broken', 'fine'])
    await driver.write(`${uploads}/${id}/startedat`, Buffer.from('2019-03-04T05:06:07Z'));
  expect(await after(0).reap(options)).toBe(1);
  expect(await left()).toEqual(['broken']);
  expect(lines).toContainEqual(
    expect.objectContaining({ repository: 'a/b', session: 'broken', err: expect.any(Error) }),
  );
});

test('it ends when it is told to', async () => {
  const { storage, after, options } = bench();
  await storage.uploads.start(name);
  await expect(after(25 * HOUR).reap({ ...options, signal: AbortSignal.abort() })).rejects.toThrow();
});
