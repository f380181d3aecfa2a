import { expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { parseRepositoryName } from '../../../src/oci/repository-name.ts';
import { mapBounded } from '../../../src/storage/bounded.ts';
import { createInMemoryDriver } from '../../../src/storage/inmemory/inmemory-driver.ts';
import { MemoryTree } from '../../../src/storage/inmemory/memory-tree.ts';
import { KeyedLock } from '../../../src/storage/keyed-lock.ts';
import { LinkStore } from '../../../src/storage/links.ts';
import { StorageUnavailableError } from '../../../src/storage/storage-errors.ts';
import { Tags } from '../../../src/storage/tags.ts';

const one = digestOf(Buffer.from('one'));
const two = digestOf(Buffer.from('two'));
const key = 'docker/registry/v2/repositories/a/_manifests/tags/v1/current/link';
const name = parseRepositoryName('a');
const tag = parseTag('v1');

/** Two processes on one storage, with one clock. */
function twoProcesses() {
  const tree = new MemoryTree();
  let now = 0;
  const start = () => {
    const driver = createInMemoryDriver({ tree });
    const links = new LinkStore(driver, { now: () => now, log: { warn: () => {} } });
    return { driver, links, tags: new Tags(driver, links) };
  };
  return {
    here: start(),
    there: start(),
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

test('what was written here is read here at once, and elsewhere within a second', async () => {
  const { here, there, pass } = twoProcesses();
  await here.links.write(key, one);
  expect(await there.links.read(key, 'tags')).toBe(one);
  await here.links.write(key, two);
  expect(await here.links.read(key, 'tags')).toBe(two);
  pass(1000);
  expect(await there.links.read(key, 'tags')).toBe(two);
});

test('what was missing is looked for each time', async () => {
  const { here, there } = twoProcesses();
  expect(await there.links.read(key, 'links')).toBeUndefined();
  await here.links.write(key, one);
  expect(await there.links.read(key, 'links')).toBe(one);
});

test('what was deleted here is gone here at once', async () => {
  const { here } = twoProcesses();
  await here.links.write(key, one);
  await here.links.delete(key);
  expect(await here.links.read(key, 'tags')).toBeUndefined();
});

test('a write that failed leaves nothing remembered: it may have been done', async () => {
  const { here, there } = twoProcesses();
  const driver = {
    ...here.driver,
    write: async (...args: Parameters<typeof here.driver.write>) => {
      await here.driver.write(...args);
      if (Buffer.from(args[1]).toString() === two) throw new StorageUnavailableError('the answer was lost');
    },
  };
  const links = new LinkStore(driver, { now: () => 0, log: { warn: () => {} } });
  await links.write(key, one);
  await expect(links.write(key, two)).rejects.toThrow();
  expect(await links.read(key, 'tags')).toBe(two);
  expect(await there.links.read(key, 'tags')).toBe(two);
});

test('a tag that another process has moved meanwhile is not taken away with what it led to', async () => {
  const { here, there } = twoProcesses();
  await here.tags.write(name, tag, one);
  expect(await there.tags.read(name, tag)).toBe(one);
  await here.tags.write(name, tag, two);
  expect(await there.tags.removeAllOf(name, one)).toEqual([]);
  expect(await here.tags.read(name, tag)).toBe(two);
  expect(await there.tags.removeAllOf(name, two)).toEqual([tag]);
});

test('what a crash left of a tag can be deleted, once', async () => {
  const { here } = twoProcesses();
  await here.tags.write(name, tag, one);
  await here.driver.delete(key);
  expect((await here.tags.list(name, {})).tags).toEqual([tag]);
  expect(await here.tags.remove(name, tag)).toBe(true);
  expect((await here.tags.list(name, {})).tags).toEqual([]);
  expect(await here.tags.remove(name, tag)).toBe(false);
});

test('a lock lets one at a time through for a key, whatever becomes of the one before', async () => {
  const lock = new KeyedLock();
  const order: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = lock.run('a', async () => {
    await promise;
    order.push('first');
    throw new Error('failed');
  });
  const second = lock.run('a', async () => order.push('second'));
  await lock.run('b', async () => order.push('other'));
  resolve();
  await expect(first).rejects.toThrow('failed');
  await second;
  expect(order).toEqual(['other', 'first', 'second']);
});

test('bounded work stops beginning after a failure, and keeps the order of its results', async () => {
  expect(await mapBounded([3, 1, 2], 2, async (n) => n * 2)).toEqual([6, 2, 4]);
  let begun = 0;
  const work = async (n: number) => {
    begun += 1;
    await Promise.resolve();
    if (n === 1) throw new Error('failed');
  };
  await expect(mapBounded([1, 2, 3, 4, 5, 6, 7, 8, 9], 2, work)).rejects.toThrow('failed');
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toBeLessThan(5);
});
