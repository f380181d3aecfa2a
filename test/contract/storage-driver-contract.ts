import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { KeyNotFoundError } from '../../src/storage/storage-errors.ts';
import { collect, listNames, pattern, readAll, type StorageHarness } from './storage-harness.ts';
import { describeUploadContract } from './upload-store-contract.ts';

const ROOT = 'docker/registry/v2';
const KEY = `${ROOT}/repositories/library/app/_layers/sha256/abc/link`;
const FOLDER = `${ROOT}/repositories/library/app`;

/** What every StorageDriver promises (`src/storage/driver.ts`). `create` gives an empty storage for each test. */
export function describeStorageContract(name: string, create: () => Promise<StorageHarness>): void {
  describe(`storage contract: ${name}`, () => {
    describe('objects', () => describeObjects(create));
    describe('folders', () => describeFolders(create));
    describe('uploads', () => describeUploadContract(create));
  });
}

function describeObjects(create: () => Promise<StorageHarness>): void {
  let harness: StorageHarness;
  let driver: StorageDriver;

  beforeEach(async () => {
    harness = await create();
    driver = (await harness.start()).driver;
  });
  afterEach(() => harness.close());

  const put = async (key: string, content: Uint8Array) => {
    const writer = await driver.uploads.create(`${FOLDER}/_uploads/${key.length}-${content.length}`);
    await writer.append(content);
    await writer.commit(key);
  };

  it('gives back what was written, with its size and time', async () => {
    const before = Date.now();
    await driver.write(KEY, Buffer.from('sha256:abc'));
    const stat = await driver.stat(KEY);
    expect(stat.size).toBe(10);
    expect(Math.abs(stat.modifiedAt.getTime() - before)).toBeLessThan(60_000);
    expect((await readAll(driver, KEY)).toString()).toBe('sha256:abc');
  });

  it('lets another process see at once what was written', async () => {
    const other = (await harness.start()).driver;
    await expect(other.stat(KEY)).rejects.toThrow(KeyNotFoundError);
    await driver.write(KEY, Buffer.from('one'));
    expect((await readAll(other, KEY)).toString()).toBe('one');
    await driver.write(KEY, Buffer.from('another'));
    expect((await readAll(other, KEY)).toString()).toBe('another');
    await driver.delete(KEY);
    await expect(other.read(KEY)).rejects.toThrow(KeyNotFoundError);
  });

  it('says not found for a key that has no object, below a folder, an object or nothing', async () => {
    await driver.write(KEY, Buffer.from('x'));
    for (const key of [`${FOLDER}/_layers/sha256/abd/link`, `${KEY}/below`, 'nothing/of/this']) {
      await expect(driver.stat(key), key).rejects.toThrow(KeyNotFoundError);
      await expect(driver.read(key), key).rejects.toThrow(KeyNotFoundError);
    }
  });

  it('does not take a folder for an object', async () => {
    await driver.write(KEY, Buffer.from('x'));
    await expect(driver.stat(FOLDER)).rejects.toThrow(KeyNotFoundError);
    await expect(driver.read(FOLDER)).rejects.toThrow(KeyNotFoundError);
  });

  it('replaces an object whole while it is read', async () => {
    const contents = [Buffer.alloc(3000, 'a'), Buffer.alloc(5000, 'b')];
    await driver.write(KEY, Buffer.alloc(3000, 'a'));
    const writes = (async () => {
      for (let round = 0; round < 20; round++) await driver.write(KEY, contents[round % 2] ?? Buffer.of());
    })();
    for (let round = 0; round < 20; round++) {
      const seen = await readAll(driver, KEY);
      expect(contents.some((content) => content.equals(seen))).toBe(true);
    }
    await writes;
  });

  it('takes parallel writes of one key, the last of which stays whole', async () => {
    const contents = Array.from({ length: 8 }, (_, index) => Buffer.alloc(100 + index, index));
    await Promise.all(contents.map((content) => driver.write(KEY, content)));
    const seen = await readAll(driver, KEY);
    expect(contents.some((content) => content.equals(seen))).toBe(true);
  });

  it('puts in place what need not outlive the machine', async () => {
    const other = (await harness.start()).driver;
    await driver.write(KEY, Buffer.from('one'), { durable: false });
    await driver.write(KEY, Buffer.from('two'), { durable: false });
    expect((await readAll(other, KEY)).toString()).toBe('two');
  });

  it('writes and reads an empty object', async () => {
    await driver.write(KEY, new Uint8Array());
    expect((await driver.stat(KEY)).size).toBe(0);
    expect(await readAll(driver, KEY)).toHaveLength(0);
  });

  it('reads a large object whole, and any range of it', async () => {
    const content = pattern(5 * 1024 * 1024 + 17);
    await put(`${ROOT}/blobs/sha256/aa/aabb/data`, content);
    const reader = await driver.read(`${ROOT}/blobs/sha256/aa/aabb/data`);
    expect(reader.size).toBe(content.length);
    expect((await collect(reader.chunks())).equals(content)).toBe(true);
    const last = content.length - 1;
    for (const [start, end] of [
      [0, 0],
      [last, last],
      [0, last],
      [1, 1024],
      [65_535, 65_536],
      [1_048_575, 3_200_000],
      [last - 70_000, last],
    ] as const) {
      const part = await readAll(driver, `${ROOT}/blobs/sha256/aa/aabb/data`, { start, end });
      expect(part.equals(content.subarray(start, end + 1)), `${start}-${end}`).toBe(true);
    }
  });

  it('tells the size of the whole object with a range', async () => {
    await driver.write(KEY, Buffer.from('0123456789'));
    const reader = await driver.read(KEY, { range: { start: 2, end: 4 } });
    expect(reader.size).toBe(10);
    expect((await collect(reader.chunks())).toString()).toBe('234');
  });

  it('goes on reading what was opened when it is deleted or replaced', async () => {
    const content = pattern(3 * 1024 * 1024);
    const key = `${ROOT}/blobs/sha256/cc/ccdd/data`;
    await put(key, content);
    const first = await driver.read(key);
    const second = await driver.read(key);
    await driver.write(key, Buffer.from('new'));
    await driver.delete(key);
    expect((await collect(first.chunks())).equals(content)).toBe(true);
    expect((await collect(second.chunks())).equals(content)).toBe(true);
  });

  it('serves many readers of one object at once', async () => {
    const content = pattern(2 * 1024 * 1024 + 3);
    const key = `${ROOT}/blobs/sha256/ee/eeff/data`;
    await put(key, content);
    const all = await Promise.all(Array.from({ length: 24 }, () => readAll(driver, key)));
    expect(all.every((read) => read.equals(content))).toBe(true);
  });

  it('lets go of a reader that is ended early or never begun', async () => {
    const key = `${ROOT}/blobs/sha256/ee/eeff/data`;
    await put(key, pattern(3 * 1024 * 1024));
    for await (const chunk of (await driver.read(key)).chunks()) {
      expect(chunk.byteLength).toBeGreaterThan(0);
      break;
    }
    const unused = await driver.read(key);
    await unused.close();
    await unused.close();
    const ended = await driver.read(key);
    await collect(ended.chunks());
    await ended.close();
  });

  it('stops for an aborted signal', async () => {
    await driver.write(KEY, Buffer.from('x'));
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(driver.stat(KEY, signal)).rejects.toThrow('gone');
    await expect(driver.read(KEY, { signal })).rejects.toThrow('gone');
    await expect(driver.list(FOLDER, { signal })).rejects.toThrow('gone');
  });

  it('deletes an object, and succeeds where there is none', async () => {
    await driver.write(KEY, Buffer.from('x'));
    await driver.delete(KEY);
    await expect(driver.stat(KEY)).rejects.toThrow(KeyNotFoundError);
    await driver.delete(KEY);
    await driver.delete('nothing/of/this');
  });

  it('deletes no folder when asked for an object', async () => {
    await driver.write(KEY, Buffer.from('x'));
    await driver.delete(FOLDER);
    expect((await readAll(driver, KEY)).toString()).toBe('x');
  });
}

function describeFolders(create: () => Promise<StorageHarness>): void {
  let harness: StorageHarness;
  let driver: StorageDriver;

  beforeEach(async () => {
    harness = await create();
    driver = (await harness.start()).driver;
  });
  afterEach(() => harness.close());

  const write = (...names: string[]) =>
    Promise.all(names.map((name) => driver.write(`${FOLDER}/${name}`, Buffer.from('x'))));

  it('lists what lies directly below, in ASCII order, with its kind', async () => {
    await write('b', 'a/one/link', 'a-b/link', 'a.b', 'B', 'a0/link', '_c/link', '10', '9');
    const page = await driver.list(FOLDER);
    expect(page.more).toBe(false);
    expect(page.entries).toEqual([
      { name: '10', kind: 'object' },
      { name: '9', kind: 'object' },
      { name: 'B', kind: 'object' },
      { name: '_c', kind: 'folder' },
      { name: 'a', kind: 'folder' },
      { name: 'a-b', kind: 'folder' },
      { name: 'a.b', kind: 'object' },
      { name: 'a0', kind: 'folder' },
      { name: 'b', kind: 'object' },
    ]);
  });

  it('gives an empty page for a folder that is not there', async () => {
    expect(await driver.list('docker/registry/v2/repositories')).toEqual({ entries: [], more: false });
    expect(await driver.list(`${FOLDER}/nothing`)).toEqual({ entries: [], more: false });
  });

  it('gives pages from any name on, also from one that is not there', async () => {
    await write('a/link', 'a-b/link', 'b/link', 'c/link', 'd');
    expect(await listNames(driver, FOLDER, { limit: 2 })).toEqual(['a/', 'a-b/']);
    expect((await driver.list(FOLDER, { limit: 2 })).more).toBe(true);
    expect(await listNames(driver, FOLDER, { after: 'a' })).toEqual(['a-b/', 'b/', 'c/', 'd']);
    expect(await listNames(driver, FOLDER, { after: 'a-b', limit: 2 })).toEqual(['b/', 'c/']);
    expect(await listNames(driver, FOLDER, { after: 'bb', limit: 1 })).toEqual(['c/']);
    expect((await driver.list(FOLDER, { after: 'c', limit: 1 })).more).toBe(false);
    expect(await driver.list(FOLDER, { after: 'd' })).toEqual({ entries: [], more: false });
    expect(await listNames(driver, FOLDER, { after: '' })).toHaveLength(5);
  });

  it('gives every name once over many pages', async () => {
    const names = Array.from({ length: 57 }, (_, index) => `tag-${(index * 37) % 57}`);
    await write(...names.map((name) => `${name}/current/link`));
    const seen: string[] = [];
    for (let more = true; more; ) {
      const page = await driver.list(FOLDER, {
        limit: 10,
        ...(seen.length > 0 && { after: seen.at(-1) ?? '' }),
      });
      seen.push(...page.entries.map((entry) => entry.name));
      more = page.more;
    }
    expect(seen).toEqual([...names].sort());
  });

  it('shows at once in its lists what it wrote and deleted', async () => {
    await write('a/link');
    expect(await listNames(driver, FOLDER)).toEqual(['a/']);
    await write('b/link');
    expect(await listNames(driver, FOLDER)).toEqual(['a/', 'b/']);
    await driver.deleteFolder(`${FOLDER}/a`);
    expect(await listNames(driver, FOLDER)).toEqual(['b/']);
    await write('a/link');
    expect(await listNames(driver, FOLDER)).toEqual(['a/', 'b/']);
  });

  it('lets another process see in its lists what was written, within its freshness', async () => {
    const other = (await harness.start()).driver;
    await write('a/link');
    expect(await listNames(other, FOLDER)).toEqual(['a/']);
    await write('b/link');
    await expect.poll(() => listNames(other, FOLDER), { timeout: 2000 }).toEqual(['a/', 'b/']);
  });

  it('deletes a folder with all that is below it, and nothing else', async () => {
    await write('a/one/link', 'a/two/three/link', 'a/link', 'ab/link', 'a-b');
    await driver.deleteFolder(`${FOLDER}/a`);
    expect(await listNames(driver, FOLDER)).toEqual(['a-b', 'ab/']);
    await expect(driver.stat(`${FOLDER}/a/two/three/link`)).rejects.toThrow(KeyNotFoundError);
    expect(await driver.list(`${FOLDER}/a`)).toEqual({ entries: [], more: false });
  });

  it('succeeds in deleting a folder that is not there', async () => {
    await driver.deleteFolder(FOLDER);
    await driver.deleteFolder('nothing/of/this');
  });

  it('writes again into a folder that was deleted, also by another process', async () => {
    const other = (await harness.start()).driver;
    await write('a/one/link');
    await other.deleteFolder(FOLDER);
    await write('a/one/link');
    expect(await listNames(driver, `${FOLDER}/a`)).toEqual(['one/']);
    await driver.deleteFolder(FOLDER);
    await write('a/one/link');
    expect((await driver.stat(`${FOLDER}/a/one/link`)).size).toBe(1);
  });
}
