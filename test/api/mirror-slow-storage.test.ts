import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { createInMemoryDriver } from '../../src/storage/inmemory/inmemory-driver.ts';
import { hubBench, LAYER } from '../support/upstream/hub-bench.ts';

const { mirror, upstream } = hubBench();
const TTL = 600_000;

/** A mirror whose storage tells what it has late, and each time another while later. */
async function lateStorage() {
  const up = await upstream();
  const digest = up.addImage('library/nginx', 'v1', [LAYER]);
  const driver = createInMemoryDriver();
  let asked = 0;
  const late = async <Result>(found: Promise<Result>): Promise<Result> => {
    found.catch(() => {});
    await delay((asked++ % 10) * 5);
    return await found;
  };
  const it = await mirror({
    upstreams: [{ name: 'docker.io', urls: [up.url] }],
    driver: {
      ...driver,
      freshness: { ...driver.freshness, links: 0 },
      read: (...args) => late(driver.read(...args)),
      stat: (...args) => late(driver.stat(...args)),
    },
  });
  const askByMany = (path: string) =>
    Promise.all(Array.from({ length: 20 }, () => it.ask(`/v2/docker.io/nginx/${path}`)));
  return { up, it, digest, askByMany };
}

describe('what many ask for at once while the storage is slow', () => {
  it('is checked by one HEAD where it is a tag, and fetched once where that moved', async () => {
    const { up, it, askByMany } = await lateStorage();
    await askByMany('manifests/v1');
    up.addImage('library/nginx', 'v1', [Buffer.from('moved')]);
    it.pass(TTL);
    await askByMany('manifests/v1');
    expect(up.requests.map(({ method }) => method)).toEqual(['GET', 'HEAD', 'GET']);
  });

  it('is fetched once where it is a manifest', async () => {
    const { up, digest, askByMany } = await lateStorage();
    await askByMany(`manifests/${digest}`);
    expect(up.requests.map(({ method }) => method)).toEqual(['GET']);
  });

  it('is fetched once where it is a blob', async () => {
    const { up, askByMany } = await lateStorage();
    for (const { body } of await askByMany(`blobs/${digestOf(LAYER)}`)) expect(body.equals(LAYER)).toBe(true);
    expect(up.requests.map(({ method }) => method)).toEqual(['GET']);
  });
});
