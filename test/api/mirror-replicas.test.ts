import { describe, expect, it } from 'vitest';
import { createInMemoryDriver } from '../../src/storage/inmemory/inmemory-driver.ts';
import { hubBench, LAYER } from '../support/upstream/hub-bench.ts';

const { mirror, upstream } = hubBench();
const TAG = '/v2/nginx/manifests/v1';

async function replicas() {
  const up = await upstream();
  const digest = up.addImage('library/nginx', 'v1', [LAYER]);
  const driver = createInMemoryDriver();
  const start = () => mirror({ upstreams: [{ name: 'docker.io', urls: [up.url] }], driver });
  const [first, second] = [await start(), await start()];
  const look = async () => {
    first.pass(5_000);
    await first.core.expectedTags.look();
  };
  return { up, digest, first, second, look };
}

describe('a tag of which one server told by HEAD, while another one was asked for the manifest', () => {
  it('can be pulled from either with the upstream gone', async () => {
    const { up, digest, first, second, look } = await replicas();
    await first.ask(TAG, { method: 'HEAD' });
    await look();
    await second.ask(`/v2/nginx/manifests/${digest}`);
    first.pass(600_000);
    await look();
    await up.stop();
    second.pass(600_000);
    for (const { ask } of [first, second]) {
      expect((await ask(TAG)).headers['docker-content-digest']).toBe(digest);
    }
  });

  it('stays where the other one saw it since', async () => {
    const { up, digest, first, second, look } = await replicas();
    await first.ask(TAG, { method: 'HEAD' });
    const moved = up.addImage('library/nginx', 'v1', [Buffer.from('moved')]);
    await second.ask(TAG);
    await second.ask(`/v2/nginx/manifests/${digest}`);
    await look();
    await up.stop();
    second.pass(600_000);
    expect((await second.ask(TAG)).headers['docker-content-digest']).toBe(moved);
  });

  it('is not waited for for ever', async () => {
    const { first, second, digest, up } = await replicas();
    await first.ask(TAG, { method: 'HEAD' });
    first.pass(600_000);
    await first.core.expectedTags.look();
    await second.ask(`/v2/nginx/manifests/${digest}`);
    first.pass(600_000);
    await first.core.expectedTags.look();
    await up.stop();
    expect((await second.ask(TAG)).status).toBe(502);
  });
});
