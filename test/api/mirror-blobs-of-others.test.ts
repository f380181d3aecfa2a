import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { createInMemoryDriver } from '../../src/storage/inmemory/inmemory-driver.ts';
import { blobDataKey, candidateKey, deletingKey } from '../../src/storage/layout.ts';
import { eventually } from '../support/eventually.ts';
import { answer, redirect } from '../support/upstream/faults.ts';
import { hubBench, LAYER } from '../support/upstream/hub-bench.ts';

const { hub, mirror, upstream } = hubBench();

describe('a blob that is here for another repository', () => {
  it('is served only after the upstream said that this one has it, and is not fetched again', async () => {
    const { up, it, layer: digest } = await hub();
    await it.ask(`/v2/nginx/blobs/${digest}`);
    up.addImage('team/app', 'v1', [LAYER]);
    up.on(/HEAD .*secret.*blobs/, answer(404));
    expect((await it.ask(`/v2/team/secret/blobs/${digest}`)).status).toBe(404);
    expect((await it.ask(`/v2/team/app/blobs/${digest}`)).body.equals(LAYER)).toBe(true);
    expect(up.count(/GET .*blobs/)).toBe(1);
    expect(up.count(/HEAD .*blobs/)).toBe(2);
  });

  it.each([
    ['before', ['app', 'secret']],
    ['after', ['secret', 'app']],
  ])('is served to nobody else who asks at once, just %s, where the storage is slow', async (_, order) => {
    const up = await upstream();
    const driver = createInMemoryDriver();
    const stat = async (...asked: Parameters<typeof driver.stat>) => {
      await delay(20);
      return await driver.stat(...asked);
    };
    const it = await mirror({
      upstreams: [{ name: 'docker.io', urls: [up.url] }],
      driver: { ...driver, stat },
    });
    const digest = digestOf(LAYER);
    up.on(/secret.*blobs/, answer(404));
    up.addImage('team/app', 'v1', [LAYER]);
    const got = await Promise.all(order.map((name) => it.ask(`/v2/team/${name}/blobs/${digest}`)));
    const statuses = Object.fromEntries(order.map((name, index) => [name, got[index]?.status]));
    expect(statuses).toEqual({ app: 200, secret: 404 });
  });

  it('is served too where the upstream redirects to an address that is signed for a GET alone', async () => {
    const { up, it, layer } = await hub();
    await it.ask(`/v2/nginx/blobs/${layer}`);
    const store = await upstream();
    store.addBlob(LAYER);
    up.on(
      /blobs/,
      redirect(({ url }) => `${store.url}${url.pathname}?signature=x`),
    );
    store.on(/^HEAD/, answer(403));
    for (let asked = 0; asked < 6; asked++) {
      const got = await it.ask(`/v2/team/app${asked}/blobs/${layer}`);
      expect(got.status).toBe(200);
      expect(got.body.equals(LAYER)).toBe(true);
    }
    expect(store.blobBytes).toBeLessThan(LAYER.length);
    const head = await it.ask(`/v2/docker.io/team/other/blobs/${layer}`, { method: 'HEAD' });
    expect(head.headers['content-length']).toBe(String(LAYER.length));
  });

  it('is fetched when it is being deleted at this moment', async () => {
    const up = await upstream();
    const driver = createInMemoryDriver();
    const it = await mirror({ upstreams: [{ name: 'docker.io', urls: [up.url] }], driver });
    const digest = digestOf(LAYER);
    up.addImage('team/app', 'v1', [LAYER]);
    await driver.write(blobDataKey(digest), LAYER);
    for (const key of [candidateKey(digest), deletingKey(digest)]) await driver.write(key, Buffer.from(''));
    const got = await it.ask(`/v2/team/app/blobs/${digest}`);
    expect(got.status).toBe(200);
    expect(got.body.equals(LAYER)).toBe(true);
  });

  it('is linked here too when it came at once for both', async () => {
    const { up, it, layer: digest } = await hub();
    up.addImage('team/app', 'v1', [LAYER]);
    const names = ['team/app', 'nginx'];
    await Promise.all(names.map((name) => it.ask(`/v2/${name}/blobs/${digest}`)));
    await up.stop();
    for (const name of names) expect((await it.ask(`/v2/${name}/blobs/${digest}`)).status, name).toBe(200);
  });

  it('is not waited for where it comes from another upstream, which may be slow', async () => {
    const [slow, up] = [await upstream(), await upstream()];
    const digest = slow.addBlob(LAYER);
    up.addBlob(LAYER);
    const { promise, resolve } = Promise.withResolvers<void>();
    slow.on(/GET .*blobs/, (_, next) => void promise.then(next));
    const it = await mirror({
      upstreams: [
        { name: 'quay.io', urls: [slow.url] },
        { name: 'docker.io', urls: [up.url] },
      ],
    });
    const asked = it.ask(`/v2/quay.io/team/app/blobs/${digest}`);
    await eventually('the slow one is asked', {
      within: 5_000,
      holds: () => slow.count(/GET .*blobs/) === 1,
    });
    expect((await it.ask(`/v2/docker.io/team/app/blobs/${digest}`)).body.equals(LAYER)).toBe(true);
    resolve();
    expect((await asked).body.equals(LAYER)).toBe(true);
  });
});
