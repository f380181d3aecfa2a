import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { parseTag } from '../../src/oci/reference.ts';
import { parseRepositoryName } from '../../src/oci/repository-name.ts';
import type { ApiAnswer } from '../support/api-client.ts';
import { pushBlob, pushImage, send } from '../support/api-client.ts';
import { createTestRegistry, type TestRegistry } from '../support/test-registry.ts';

const digest = digestOf(Buffer.from('{}'));

/** Tags as the storage has them, without a push for each. */
async function tagged(registry: TestRegistry, { name, tags }: { name: string; tags: readonly string[] }) {
  for (const tag of tags) await registry.storage.tags.write(parseRepositoryName(name), parseTag(tag), digest);
}

/** Follows Link from a first path to the end. */
async function follow(registry: TestRegistry, first: string): Promise<{ pages: number; names: string[] }> {
  const names: string[] = [];
  let next: string | undefined = first;
  let pages = 0;
  while (next !== undefined) {
    const answer: ApiAnswer = await send(registry, `GET ${next}`);
    expect(answer.status).toBe(200);
    const body = answer.json as { tags?: string[]; repositories?: string[] };
    names.push(...(body.tags ?? body.repositories ?? []));
    next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.link ?? '')?.[1];
    expect(answer.headers.link === undefined).toBe(next === undefined);
    pages += 1;
    if (pages > 100) throw new Error('Link never ends');
  }
  return { pages, names };
}

describe('end-8a: tags', () => {
  test('are 200 with name and tags, in ASCII order', async () => {
    const registry = createTestRegistry();
    await tagged(registry, { name: 'a/b', tags: ['b', 'a', 'Z', '_x', '1', '10', '2', 'a.b', 'a-b'] });
    const answer = await send(registry, 'GET /v2/a/b/tags/list');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers.link).toBeUndefined();
    expect(answer.json).toEqual({ name: 'a/b', tags: ['1', '10', '2', 'Z', '_x', 'a', 'a-b', 'a.b', 'b'] });
  });

  test('of a repository that does not exist are 404 NAME_UNKNOWN', async () => {
    const registry = createTestRegistry();
    await tagged(registry, { name: 'a/b', tags: ['v1'] });
    await pushBlob(registry, { name: 'only/blobs', content: Buffer.from('x') });
    for (const path of ['none', 'a', 'a/b/c', 'only/blobs']) {
      expect((await send(registry, `GET /v2/${path}/tags/list`)).codes, path).toEqual(['NAME_UNKNOWN']);
    }
  });

  test('of a repository with manifests but no tag are an empty list', async () => {
    const registry = createTestRegistry();
    await pushImage(registry, { name: 'a' });
    for (const query of ['', '?n=5', '?last=zzz', '?n=0']) {
      expect((await send(registry, `GET /v2/a/tags/list${query}`)).json).toEqual({ name: 'a', tags: [] });
    }
  });

  test('HEAD answers as GET', async () => {
    const registry = createTestRegistry();
    await tagged(registry, { name: 'a', tags: ['v1'] });
    const head = await send(registry, 'HEAD /v2/a/tags/list?n=1');
    const get = await send(registry, 'GET /v2/a/tags/list?n=1');
    expect(head.status).toBe(200);
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
  });

  test('what is no tag takes no place in a page', async () => {
    const registry = createTestRegistry();
    await tagged(registry, { name: 'a', tags: ['b', 'd'] });
    const folder = 'docker/registry/v2/repositories/a/_manifests/tags';
    for (const name of ['a', 'c', 'e'])
      await registry.driver.write(`${folder}/${name}`, Buffer.from('a file'));
    await registry.driver.write(`${folder}/no tag/current/link`, Buffer.from(digest));
    expect((await send(registry, 'GET /v2/a/tags/list?n=2')).json).toEqual({ name: 'a', tags: ['b', 'd'] });
    expect((await follow(registry, '/v2/a/tags/list?n=1')).names).toEqual(['b', 'd']);
  });
});

describe('end-8b: pages', () => {
  const tags = Array.from({ length: 2500 }, (_, index) => `t${String(index).padStart(4, '0')}`);

  test('2,500 tags are followed through Link, each once', async () => {
    const registry = createTestRegistry();
    await tagged(registry, { name: 'a/b', tags });
    for (const [query, pages] of [
      ['', 3],
      ['?n=1000', 3],
      ['?n=100', 25],
      ['?n=2499', 3],
      ['?n=5000', 3],
    ] as const) {
      expect(await follow(registry, `/v2/a/b/tags/list${query}`), query).toEqual({ pages, names: tags });
    }
    expect((await follow(registry, '/v2/a/b/tags/list?n=7&last=t2480')).names).toEqual(tags.slice(2481));
  });

  test('n=0 is an empty list without Link', async () => {
    const registry = createTestRegistry();
    await tagged(registry, { name: 'a', tags: ['v1', 'v2'] });
    const answer = await send(registry, 'GET /v2/a/tags/list?n=0');
    expect(answer.json).toEqual({ name: 'a', tags: [] });
    expect(answer.headers.link).toBeUndefined();
  });

  test('n that is all there is has no Link; one less has', async () => {
    const registry = createTestRegistry();
    await tagged(registry, { name: 'a', tags: ['v1', 'v2', 'v3'] });
    expect((await send(registry, 'GET /v2/a/tags/list?n=3')).headers.link).toBeUndefined();
    expect((await send(registry, 'GET /v2/a/tags/list?n=2')).headers.link).toBe(
      '</v2/a/tags/list?n=2&last=v2>; rel="next"',
    );
  });

  test('last is exclusive, needs no n, and need not exist', async () => {
    const registry = createTestRegistry();
    await tagged(registry, { name: 'a', tags: ['v1', 'v3', 'v5'] });
    const list = async (query: string) =>
      ((await send(registry, `GET /v2/a/tags/list?${query}`)).json as { tags: string[] }).tags;
    expect(await list('last=v1')).toEqual(['v3', 'v5']);
    expect(await list('last=v2')).toEqual(['v3', 'v5']);
    expect(await list('last=v9')).toEqual([]);
    expect(await list('last=')).toEqual(['v1', 'v3', 'v5']);
    expect(await list('last=%2e%2e%2f%2e%2e')).toEqual(['v1', 'v3', 'v5']);
    expect(await list('n=1&last=0')).toEqual(['v1']);
  });

  test.each(['-1', 'abc', '1.5', '', '1e3', '0x10', '+5', '%00', '５'])(
    'n=%s is 400 PAGINATION_NUMBER_INVALID',
    async (n) => {
      const registry = createTestRegistry();
      await tagged(registry, { name: 'a', tags: ['v1'] });
      for (const path of ['/v2/a/tags/list', '/v2/_catalog']) {
        const answer = await send(registry, `GET ${path}?n=${encodeURIComponent(decodeURIComponent(n))}`);
        expect(answer.status).toBe(400);
        expect(answer.codes).toEqual(['PAGINATION_NUMBER_INVALID']);
      }
    },
  );

  test('an n above the limit is cut to it, however long it is', async () => {
    const registry = createTestRegistry({ settings: { maxTags: 2, maxCatalogEntries: 1 } });
    await tagged(registry, { name: 'a', tags: ['v1', 'v2', 'v3'] });
    await tagged(registry, { name: 'b', tags: ['v1'] });
    for (const n of ['3', '99999', '9'.repeat(40)]) {
      const page = await send(registry, `GET /v2/a/tags/list?n=${n}`);
      expect(page.json).toEqual({ name: 'a', tags: ['v1', 'v2'] });
      expect(page.headers.link).toBe('</v2/a/tags/list?n=2&last=v2>; rel="next"');
      expect((await send(registry, `GET /v2/_catalog?n=${n}`)).headers.link).toBe(
        '</v2/_catalog?n=1&last=a>; rel="next"',
      );
    }
  });

  test('Link keeps the other parameters and is safe in a header', async () => {
    const registry = createTestRegistry();
    await tagged(registry, { name: 'a', tags: ['v1', 'v2'] });
    const answer = await send(registry, 'GET /v2/a/tags/list?n=1&ns=docker.io&x=%0d%0a%3E%C3%BC');
    expect(answer.headers.link).toBe(
      '</v2/a/tags/list?n=1&ns=docker.io&x=%0D%0A%3E%C3%BC&last=v1>; rel="next"',
    );
  });

  test('ten thousand parameters cost nothing much', async () => {
    const registry = createTestRegistry();
    const started = performance.now();
    await send(registry, `GET /v2/a/tags/list?${'a&'.repeat(7000)}`);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('the catalog', () => {
  const names = [
    'a',
    'a/b',
    'a/b/c',
    'a/b-c',
    'a-b',
    'a-b/c',
    'a.b',
    'b',
    'b/a',
    'z/y/x/w/v',
    'library/alpine',
  ];

  test('has every repository with manifests, once, whatever the page', async () => {
    const registry = createTestRegistry();
    for (const name of names) await tagged(registry, { name, tags: ['v1'] });
    await pushBlob(registry, { name: 'only/blobs', content: Buffer.from('x') });
    const whole = await follow(registry, '/v2/_catalog');
    expect([...whole.names].sort()).toEqual([...names].sort());
    for (const n of [1, 2, 3, 7, 11]) {
      expect((await follow(registry, `/v2/_catalog?n=${n}`)).names, String(n)).toEqual(whole.names);
    }
  });

  test('goes on behind a name that does not exist, and behind nonsense', async () => {
    const registry = createTestRegistry();
    for (const name of names) await tagged(registry, { name, tags: ['v1'] });
    const list = async (last: string) =>
      (
        (await send(registry, `GET /v2/_catalog?last=${encodeURIComponent(last)}`)).json as {
          repositories: string[];
        }
      ).repositories;
    expect(await list('b/a/a')).toEqual(['library/alpine', 'z/y/x/w/v']);
    expect(await list('library/b')).toEqual(['z/y/x/w/v']);
    expect(await list('zzz')).toEqual([]);
    for (const odd of ['../..', '/', '//', 'A', '_layers', 'a/_manifests', '\0', 'a/'.repeat(500)]) {
      const answer = await send(registry, `GET /v2/_catalog?last=${encodeURIComponent(odd)}`);
      expect(answer.status, odd).toBe(200);
    }
  });

  test('n=0 is an empty list without Link', async () => {
    const registry = createTestRegistry();
    await tagged(registry, { name: 'a', tags: ['v1'] });
    const answer = await send(registry, 'GET /v2/_catalog?n=0');
    expect(answer.json).toEqual({ repositories: [] });
    expect(answer.headers.link).toBeUndefined();
  });

  test('names only what the caller may see, in full pages', async () => {
    const registry = createTestRegistry({
      authorizer: {
        anonymous: undefined,
        authorize: async () => ({
          account: 'x',
          allows: () => true,
          decided: () => true,
          sees: ({ resolved }) => resolved.startsWith('a'),
        }),
      },
    });
    for (const name of ['a1', 'a2', 'b1', 'b2', 'ax']) await tagged(registry, { name, tags: ['v1'] });
    expect(await follow(registry, '/v2/_catalog?n=3')).toEqual({ pages: 1, names: ['a1', 'a2', 'ax'] });
  });

  test('a thousand nested repositories are walked page by page', async () => {
    const registry = createTestRegistry();
    const many = Array.from({ length: 1000 }, (_, index) => `p${index % 10}/q${index % 100}/r${index}`);
    for (const name of many) await tagged(registry, { name, tags: ['v1'] });
    const { names: found } = await follow(registry, '/v2/_catalog?n=99');
    expect(found.length).toBe(1000);
    expect(new Set(found)).toEqual(new Set(many));
  });
});
