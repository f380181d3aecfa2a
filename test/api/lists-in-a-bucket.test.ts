import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { repositoriesFolder } from '../../src/storage/layout.ts';
import { createS3Driver } from '../../src/storage/s3/s3-driver.ts';
import { send } from '../support/api-client.ts';
import { s3Options } from '../support/s3/s3-harness.ts';
import { InProcessS3 } from '../support/s3/s3-server.ts';
import { createTestRegistry, type TestRegistry } from '../support/test-registry.ts';

let s3: InProcessS3;
let driver: StorageDriver;
let registry: TestRegistry;

beforeEach(async () => {
  s3 = await InProcessS3.start();
  driver = createS3Driver(s3Options(s3));
  registry = createTestRegistry({ driver });
});
afterEach(async () => {
  await driver.close();
  await s3[Symbol.asyncDispose]();
});

const digest = `sha256:${'1'.repeat(64)}`;

/** A repository as it lies in the bucket, with so many layers and these tags. */
function put(
  name: string,
  { layers = 2, tags = ['v1'] }: { layers?: number; tags?: readonly string[] } = {},
) {
  const link = (path: string) =>
    s3.store.put(`${repositoriesFolder}/${name}/${path}/link`, Buffer.from(digest));
  for (let number = 0; number < layers; number += 1) {
    link(`_layers/sha256/${String(number).padStart(64, '0')}`);
  }
  link(`_manifests/revisions/sha256/${'1'.repeat(64)}`);
  for (const tag of tags) link(`_manifests/tags/${tag}/current`);
}

interface Page {
  readonly names: readonly string[];
  readonly next: string | undefined;
  /** Requests to the bucket that it cost. */
  readonly cost: number;
}

async function page(path: string): Promise<Page> {
  s3.script.seen.length = 0;
  const answer = await send(registry, `GET ${path}`);
  expect(answer.status).toBe(200);
  const { tags, repositories } = answer.json as { tags?: string[]; repositories?: string[] };
  return {
    names: tags ?? repositories ?? [],
    next: /^<([^>]+)>; rel="next"$/.exec(answer.headers.link ?? '')?.[1],
    cost: s3.script.seen.length,
  };
}

/** Follows Link to the end. */
async function pages(path: string): Promise<Page[]> {
  const all = [await page(path)];
  for (let next = all[0]?.next; next !== undefined && all.length < 100; next = all.at(-1)?.next) {
    all.push(await page(next));
  }
  return all;
}

const most = (all: readonly Page[]) => Math.max(...all.map(({ cost }) => cost));

describe('the catalog of a bucket', () => {
  const names = [
    'a',
    'a/0b',
    'a/b',
    'a-b',
    'ab',
    'b/c/d',
    'b/c',
    ...Array.from({ length: 20 }, (_, n) => `team/app-${n}`),
  ];

  test('comes in pages of any length, each of one request', async () => {
    for (const name of names) put(name);
    // What is no repository yet.
    s3.store.put(`${repositoriesFolder}/only/uploads/_uploads/1/startedat`, Buffer.from('x'));
    const whole = await page('/v2/_catalog');
    expect([...whole.names].sort()).toEqual([...names].sort());
    for (const n of [1, 7, 26, 27, 28]) {
      const all = await pages(`/v2/_catalog?n=${n}`);
      expect(all.flatMap((each) => each.names)).toEqual(whole.names);
      for (const each of all.slice(0, -1)) expect(each.names).toHaveLength(n);
      expect(most(all)).toBe(1);
    }
  });

  test('goes on behind any name, also one that is not there', async () => {
    for (const name of names) put(name);
    const { names: order } = await page('/v2/_catalog');
    for (const [index, last] of order.entries()) {
      const rest = await page(`/v2/_catalog?last=${encodeURIComponent(last)}`);
      expect([rest.names, rest.cost]).toEqual([order.slice(index + 1), 1]);
    }
    const between = await page('/v2/_catalog?n=1&last=team/app-3x');
    expect(between.names).toEqual(['team/app-4']);
    expect((await page('/v2/_catalog?last=zz')).names).toEqual([]);
  });

  test('jumps past what fills an answer', async () => {
    put('a/first');
    put('big/layers', { layers: 5_000 });
    put('big/tags', { tags: Array.from({ length: 5_000 }, (_, n) => `v${n}`) });
    put('c/last');
    const all = await pages('/v2/_catalog?n=1');
    expect(all.flatMap((each) => each.names)).toEqual(['a/first', 'big/layers', 'big/tags', 'c/last']);
    expect(most(all)).toBeLessThanOrEqual(3);
    expect((await page('/v2/_catalog')).cost).toBeLessThanOrEqual(4);
  });

  test('of 1,000 repositories costs a page of 100 one request, when it is known how many keys they have', async () => {
    for (let number = 0; number < 1_000; number += 1) put(`many/app-${number}`, { layers: 4 });
    const all = await pages('/v2/_catalog?n=100');
    expect(new Set(all.flatMap((each) => each.names)).size).toBe(1_000);
    expect(all.length).toBeLessThanOrEqual(11);
    const [first, ...rest] = all;
    expect(first?.cost).toBeLessThanOrEqual(2);
    expect(most(rest)).toBe(1);
  });

  test('is an outage when the bucket fails in the middle', async () => {
    for (let number = 0; number < 300; number += 1) put(`many/app-${number}`, { layers: 4 });
    const fault = { kind: 'answer', status: 403, code: 'AccessDenied' } as const;
    s3.fail({ operation: 'ListObjectsV2', fault, times: 1 });
    expect((await send(registry, 'GET /v2/_catalog')).status).toBe(503);
    expect((await page('/v2/_catalog')).names).toHaveLength(300);
  });
});

describe('the tags of a repository in a bucket', () => {
  test('come in ASCII order in pages of any length, each of a few requests', async () => {
    const tags = ['1', '1.0', '1.0-rc.1', '10', 'a', 'a-', 'a--b', 'a-b', 'a.b', 'a0', 'ab', 'b'];
    put('team/app', { tags });
    const sorted = [...tags].sort();
    for (const n of [1, 2, 5, 11, 12, 13]) {
      const all = await pages(`/v2/team/app/tags/list?n=${n}`);
      expect(all.flatMap((each) => each.names)).toEqual(sorted);
      expect(most(all)).toBeLessThanOrEqual(6);
    }
    for (const last of ['0', '1.0-', 'a-a', ...tags]) {
      const rest = await page(`/v2/team/app/tags/list?last=${last}`);
      expect(rest.names).toEqual(sorted.filter((tag) => tag > last));
    }
  });

  test('cost a page a few requests, however many there are', async () => {
    put('team/app', { tags: Array.from({ length: 5_000 }, (_, n) => `v1.${n}`) });
    const first = await page('/v2/team/app/tags/list?n=100');
    expect([first.names.length, first.cost <= 2]).toEqual([100, true]);
    const middle = await page('/v2/team/app/tags/list?n=1000&last=v1.2500');
    expect([middle.names[0], middle.names.length, middle.cost <= 2]).toEqual(['v1.2501', 1000, true]);
    const all = await pages('/v2/team/app/tags/list');
    expect(all.flatMap((each) => each.names)).toHaveLength(5_000);
    // S3 gives 1,000 names in an answer, and it takes one more to know whether there are more.
    expect(most(all)).toBeLessThanOrEqual(3);
  });
});
