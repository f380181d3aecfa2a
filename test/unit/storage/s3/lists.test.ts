import { describe, expect, it } from 'vitest';
import { Catalog } from '../../../../src/storage/catalog.ts';
import { repositoriesFolder } from '../../../../src/storage/layout.ts';
import { listNames } from '../../../contract/storage-harness.ts';
import { ownBucket } from '../../../support/s3/own-bucket.ts';

const bucket = ownBucket();

const put = (key: string) => bucket.s3.store.put(key, Buffer.from('x'));

describe('names of a folder', () => {
  const names = [
    '1',
    '1.0',
    '1.0-rc.1',
    '1.0.1',
    '10',
    'a',
    'a-',
    'a--b',
    'a-b',
    'a.b',
    'a0',
    'ab',
    'b+c',
    'b',
  ];

  it('come in ASCII order from any name on, in pages of any size', async () => {
    for (const name of names) put(`tags/${name}/current/link`);
    put('tags/a-b-object');
    const sorted = [...names, 'a-b-object'].sort();
    for (const after of ['', '0', ...sorted, 'zz']) {
      for (let limit = 1; limit <= sorted.length + 1; limit += 1) {
        const expected = sorted.filter((name) => name > after);
        const page = await bucket.driver.list('tags', { after, limit });
        expect(page.entries.map((entry) => entry.name)).toEqual(expected.slice(0, limit));
        expect(page.more).toBe(expected.length > limit);
      }
    }
  });

  it('come as a folder when there is an object of that name too', async () => {
    put('f/a');
    put('f/a-b/x');
    put('f/a/x');
    put('f/b');
    expect(await listNames(bucket.driver, 'f')).toEqual(['a/', 'a-b/', 'b']);
    expect(await listNames(bucket.driver, 'f', { limit: 1 })).toEqual(['a/']);
  });

  it('cost a page a few requests, however many there are', async () => {
    for (let number = 0; number < 5_000; number += 1) put(`tags/v1.${number}/current/link`);
    put('tags/v1/current/link');
    const page = await bucket.driver.list('tags', { limit: 100 });
    expect(page.entries.slice(0, 2).map((entry) => entry.name)).toEqual(['v1', 'v1.0']);
    expect(bucket.s3.script.count('ListObjectsV2')).toBe(2);
  });
});

describe('the catalog', () => {
  const repository = (name: string, keys = 6) => {
    for (let number = 0; number < keys - 2; number += 1) {
      put(`${repositoriesFolder}/${name}/_layers/sha256/${String(number).padStart(64, '0')}/link`);
    }
    put(`${repositoriesFolder}/${name}/_manifests/revisions/sha256/${'1'.repeat(64)}/link`);
    put(`${repositoriesFolder}/${name}/_manifests/tags/v1/current/link`);
  };
  const all = async (after?: string) => {
    const names: string[] = [];
    const options = after === undefined ? {} : { after };
    for await (const name of new Catalog(bucket.driver).names(options)) names.push(name);
    return names;
  };

  it('names every repository once and goes on behind any', async () => {
    const names = ['a', 'a/0b', 'a/b', 'a-b', 'ab', 'b/c/d', 'b/c'];
    for (const name of names) repository(name);
    put(`${repositoriesFolder}/only/uploads/_uploads/1/startedat`);
    const order = await all();
    expect([...order].sort()).toEqual([...names].sort());
    for (const [index, name] of order.entries()) expect(await all(name)).toEqual(order.slice(index + 1));
  });

  it('lists 1,000 repositories in a few requests', async () => {
    for (let number = 0; number < 1_000; number += 1) repository(`team/app-${number}`);
    bucket.s3.script.seen.length = 0;
    expect(await all()).toHaveLength(1_000);
    expect(bucket.s3.script.count('ListObjectsV2')).toBeLessThanOrEqual(7);
  });

  it('asks for no more keys than the names that are wanted have, once it has seen some', async () => {
    for (let number = 0; number < 300; number += 1) repository(`team/app-${number + 100}`);
    const catalog = new Catalog(bucket.driver);
    const names = await all();
    for (const after of [undefined, names[99], names[199]]) {
      bucket.s3.script.seen.length = 0;
      const page: string[] = [];
      const options = after === undefined ? { wanted: 90 } : { wanted: 90, after };
      for await (const name of catalog.names(options)) if (page.push(name) > 90) break;
      const begin = after === undefined ? 0 : names.indexOf(after) + 1;
      expect(page).toEqual(names.slice(begin, begin + 91));
      expect(bucket.s3.script.count('ListObjectsV2')).toBeLessThanOrEqual(after === undefined ? 2 : 1);
    }
  });

  it('jumps past a repository that fills an answer', async () => {
    repository('a', 20_000);
    repository('b');
    bucket.s3.script.seen.length = 0;
    expect(await all()).toEqual(['a', 'b']);
    expect(bucket.s3.script.count('ListObjectsV2')).toBeLessThanOrEqual(2);
  });
});
