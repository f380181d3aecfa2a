import { afterEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { answer, cutAfter, silence, withoutSize, wrongBytes } from '../support/upstream/faults.ts';
import { type MirrorBench, type MirrorBenchOptions, mirrorBench } from '../support/upstream/mirror-bench.ts';
import { ScriptedUpstream, type ScriptedUpstreamOptions } from '../support/upstream/scripted-upstream.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function upstream(options?: ScriptedUpstreamOptions): Promise<ScriptedUpstream> {
  const started = await ScriptedUpstream.start(options);
  open.push(started);
  return started;
}

async function mirror(options: MirrorBenchOptions): Promise<MirrorBench> {
  const started = await mirrorBench(options);
  open.push(started);
  return started;
}

const layer = Buffer.alloc(300_000, 'layer');
const TTL = 600_000;

async function hub(options?: ScriptedUpstreamOptions) {
  const up = await upstream(options);
  const digest = up.addImage('library/nginx', 'v1', [layer]);
  const it = await mirror({
    upstreams: [{ name: 'docker.io', urls: [up.url], hosts: ['hub.mirror.example'] }],
  });
  return { up, it, digest, layer: digestOf(layer) };
}

const BARE = '/v2/nginx';

describe('a mirrored repository', () => {
  it('is one thing by whichever name it is asked', async () => {
    const { up, it, digest } = await hub();
    const ways: [string, Record<string, string>][] = [
      ['/v2/nginx/manifests/v1', {}],
      ['/v2/library/nginx/manifests/v1', {}],
      ['/v2/nginx/manifests/v1?ns=docker.io', {}],
      ['/v2/docker.io/nginx/manifests/v1', {}],
      ['/v2/docker.io/library/nginx/manifests/v1', {}],
      ['/docker.io/v2/library/nginx/manifests/v1', {}],
      ['/v2/library/nginx/manifests/v1', { host: 'hub.mirror.example:5000' }],
    ];
    for (const [path, headers] of ways) {
      const got = await it.ask(path, { headers });
      expect(got.status, path).toBe(200);
      expect(got.headers['docker-content-digest']).toBe(digest);
    }
    expect(up.count(/manifests/)).toBe(1);
    expect((await it.ask('/v2/nginx/manifests/v1?ns=docker.io')).headers['oci-namespace']).toBe('docker.io');
    expect((await it.ask('/v2/nginx/manifests/v1?ns=other.example')).status).toBe(404);
    expect((await it.ask('/v2/_catalog')).body.toString()).toContain('docker.io/library/nginx');
  });

  it('is pulled with the upstream gone once it was pulled', async () => {
    const { up, it, digest, layer: layerDigest } = await hub();
    await it.ask(`${BARE}/manifests/v1`);
    expect((await it.ask(`${BARE}/blobs/${layerDigest}`)).body.equals(layer)).toBe(true);
    await up.stop();
    it.pass(TTL);
    const got = await it.ask(`${BARE}/manifests/v1`);
    expect(got.headers['docker-content-digest']).toBe(digest);
    expect(got.headers.warning).toMatch(/^299 - "/);
    expect((await it.ask(`${BARE}/manifests/${digest}`)).headers.warning).toBeUndefined();
    expect((await it.ask(`${BARE}/blobs/${layerDigest}`)).body.equals(layer)).toBe(true);
    const tags = await it.ask(`${BARE}/tags/list`);
    expect(tags.body.toString()).toContain('"v1"');
  });

  it('is pulled by tag with the upstream gone when it was pulled by HEAD and digest, as daemons do', async () => {
    const { up, it, digest } = await hub();
    expect((await it.ask(`${BARE}/manifests/v1`, { method: 'HEAD' })).status).toBe(200);
    expect((await it.ask(`${BARE}/manifests/${digest}`)).status).toBe(200);
    expect(up.count(/GET .*manifests/)).toBe(1);
    await up.stop();
    it.pass(TTL);
    expect((await it.ask(`${BARE}/manifests/v1`)).headers['docker-content-digest']).toBe(digest);
  });

  it('fetches a layer once for a hundred who ask', async () => {
    const { up, it, layer: digest } = await hub();
    const all = await Promise.all(Array.from({ length: 100 }, () => it.ask(`${BARE}/blobs/${digest}`)));
    for (const { body } of all) expect(body.equals(layer)).toBe(true);
    expect(up.count(/GET .*blobs/)).toBe(1);
  });

  it('serves a range of a cold blob', async () => {
    const { it, layer: digest } = await hub();
    const got = await it.ask(`${BARE}/blobs/${digest}`, { headers: { range: 'bytes=100-199' } });
    expect(got.status).toBe(206);
    expect(got.headers['content-range']).toBe(`bytes 100-199/${layer.length}`);
    expect(got.body.equals(layer.subarray(100, 200))).toBe(true);
  });

  it('streams a blob whose size nobody tells, and knows it then', async () => {
    const { up, it, layer: digest } = await hub();
    up.on(/blobs/, withoutSize(layer));
    const got = await it.ask(`${BARE}/blobs/${digest}`);
    expect(got.status).toBe(200);
    expect(got.headers['content-length']).toBeUndefined();
    expect(got.body.equals(layer)).toBe(true);
    const again = await it.ask(`${BARE}/blobs/${digest}`, { headers: { range: 'bytes=10-19' } });
    expect(again.status).toBe(206);
    expect(again.headers['content-range']).toBe(`bytes 10-19/${layer.length}`);
  });

  it('says the size of such a blob to a HEAD, once it is here', async () => {
    const { up, it, layer: digest } = await hub();
    up.on(/blobs/, withoutSize(layer));
    // Something of the repository is here: a HEAD goes on to the upstream.
    await it.ask(`${BARE}/manifests/v1`);
    const head = await it.ask(`/v2/docker.io/nginx/blobs/${digest}`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers['content-length']).toBe(String(layer.length));
  });

  it('never ends a wrong blob as if complete', async () => {
    const { up, it, layer: digest } = await hub();
    up.on(/blobs/, wrongBytes, 1);
    await expect(it.ask(`${BARE}/blobs/${digest}`)).rejects.toThrow();
    expect((await it.ask(`${BARE}/blobs/${digest}`)).body.equals(layer)).toBe(true);
    up.heal();
  });

  it('resumes for the client what the upstream cut', async () => {
    const { up, it, layer: digest } = await hub();
    up.on(/blobs/, cutAfter(1000), 2);
    expect((await it.ask(`${BARE}/blobs/${digest}`)).body.equals(layer)).toBe(true);
  });

  it('passes on what is not there', async () => {
    const { it } = await hub({ auth: 'token' });
    for (const method of ['GET', 'HEAD']) {
      const got = await it.ask('/v2/nope/manifests/v1', { method });
      expect(got.status).toBe(404);
    }
    const error = await it.ask('/v2/nope/manifests/v1');
    expect(error.body.toString()).toContain('MANIFEST_UNKNOWN');
  });

  it('lists referrers of the upstream', async () => {
    const { up, it, digest } = await hub();
    const referrer = up.addManifest('library/nginx', JSON.stringify({ subject: { digest } }));
    const got = await it.ask(`${BARE}/referrers/${digest}`);
    expect(got.headers['content-type']).toBe('application/vnd.oci.image.index.v1+json');
    expect(got.body.toString()).toContain(referrer);
  });
});

describe('a tag', () => {
  it('is asked for again after its time, by one HEAD however many ask', async () => {
    const { up, it } = await hub();
    const ask = () => it.ask(`${BARE}/manifests/v1`);
    await ask();
    it.pass(TTL - 10_000);
    await ask();
    expect(up.count(/HEAD/)).toBe(0);
    it.pass(10_000);
    await Promise.all(Array.from({ length: 20 }, ask));
    expect(up.count(/HEAD .*manifests/)).toBe(1);
    expect(up.count(/GET .*manifests/)).toBe(1);
  });

  it('that moved is seen after its time and not before', async () => {
    const { up, it } = await hub();
    const ask = async () => (await it.ask(`${BARE}/manifests/v1`)).headers['docker-content-digest'];
    const before = await ask();
    const after = up.addImage('library/nginx', 'v1', [layer, Buffer.from('more')]);
    expect(await ask()).toBe(before);
    it.pass(TTL);
    expect(await ask()).toBe(after);
    expect(await ask()).toBe(after);
    await up.stop();
    it.pass(TTL);
    expect(await ask()).toBe(after);
  });

  it.each([
    ['500', answer(500), 502],
    ['429', answer(429, { 'retry-after': '30' }), 429],
    ['silence', silence, 504],
    ['401', answer(401, { 'www-authenticate': 'Basic realm="x"' }), 502],
  ])(
    'that is stored is served when the upstream answers %s; what is not stored is told',
    async (_, fault, status) => {
      const { up, it, digest } = await hub();
      await it.ask(`${BARE}/manifests/v1`);
      it.pass(TTL);
      up.on(/./, fault);
      const got = await it.ask(`${BARE}/manifests/v1`);
      expect(got.headers['docker-content-digest']).toBe(digest);
      expect(got.headers.warning).toBeDefined();
      const cold = await it.ask('/v2/cold/manifests/v1');
      expect(cold.status).toBe(status);
      expect(JSON.parse(cold.body.toString()).errors).toHaveLength(1);
      if (status === 429) expect(Number(cold.headers['retry-after'])).toBeGreaterThan(20);
    },
  );

  it('is not served any more once the upstream says that it is gone', async () => {
    const { up, it } = await hub();
    await it.ask(`${BARE}/manifests/v1`);
    it.pass(TTL);
    up.manifests.clear();
    expect((await it.ask(`${BARE}/manifests/v1`)).status).toBe(404);
  });
});

describe('a blob that is here for another repository', () => {
  it('is served only after the upstream said that this one has it, and is not fetched again', async () => {
    const { up, it, layer: digest } = await hub();
    await it.ask(`${BARE}/blobs/${digest}`);
    up.addImage('team/app', 'v1', [layer]);
    up.on(/HEAD .*secret.*blobs/, answer(404));
    expect((await it.ask(`/v2/team/secret/blobs/${digest}`)).status).toBe(404);
    expect((await it.ask(`/v2/team/app/blobs/${digest}`)).body.equals(layer)).toBe(true);
    expect(up.count(/GET .*blobs/)).toBe(1);
    expect(up.count(/HEAD .*blobs/)).toBe(2);
  });
});

describe('pushing beside the mirror', () => {
  async function push(it: MirrorBench, name: string, blobs: readonly Buffer[]): Promise<number> {
    for (const blob of blobs) {
      const path = `/v2/${name}/blobs/uploads/?digest=${digestOf(blob)}`;
      const { status } = await it.ask(path, { method: 'POST', body: blob });
      if (status !== 201) return status;
    }
    return await pushManifest(it, name, blobs);
  }

  async function pushManifest(it: MirrorBench, name: string, layers: readonly Buffer[]): Promise<number> {
    const descriptors = layers.map((content) => ({
      mediaType: 'application/octet-stream',
      digest: digestOf(content),
      size: content.length,
    }));
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = { schemaVersion: 2, mediaType, config: descriptors[0], layers: descriptors.slice(1) };
    const headers = { 'content-type': mediaType };
    const body = JSON.stringify(manifest);
    return (await it.ask(`/v2/${name}/manifests/v1`, { method: 'PUT', headers, body })).status;
  }

  it.each(['up', 'gone', 'slow', 'limited'])(
    'takes a bare name over, with the upstream %s',
    async (state) => {
      const { up, it, digest } = await hub();
      if (state === 'gone') await up.stop();
      if (state === 'slow') up.on(/./, silence);
      if (state === 'limited') up.on(/./, answer(429));
      const blob = Buffer.from('{}');
      const head = await it.ask(`/v2/nginx/blobs/${digestOf(blob)}`, { method: 'HEAD' });
      expect(head.status).toBe(404);
      expect(up.count(/blobs/)).toBe(0);
      const manifest = await it.ask('/v2/nginx/manifests/new', { method: 'HEAD' });
      expect(manifest.status).toBe(404);
      expect(await push(it, 'nginx', [blob])).toBe(201);
      const got = await it.ask('/v2/nginx/manifests/v1');
      expect(got.headers['docker-content-digest']).not.toBe(digest);
      expect((await it.ask(`/v2/nginx/blobs/${digestOf(blob)}`)).body.toString()).toBe('{}');
      if (state !== 'up') return;
      for (const path of ['/v2/docker.io/nginx/manifests/v1', '/v2/library/nginx/manifests/v1']) {
        expect((await it.ask(path)).headers['docker-content-digest'], path).toBe(digest);
      }
    },
  );

  it('lets blobs of a bare name be read from its first push on', async () => {
    const { it } = await hub();
    const blob = Buffer.from('pushed');
    await it.ask(`/v2/nginx/blobs/uploads/?digest=${digestOf(blob)}`, { method: 'POST', body: blob });
    expect((await it.ask(`/v2/nginx/blobs/${digestOf(blob)}`)).body.toString()).toBe('pushed');
  });

  it.each(['nginx', 'library/nginx', 'docker.io/nginx', 'docker.io/library/nginx'])(
    'mounts a blob that was pulled here as %s',
    async (from) => {
      const { it, layer: digest } = await hub();
      const mount = `/v2/team/app/blobs/uploads/?mount=${digest}&from=${encodeURIComponent(from)}`;
      expect((await it.ask(mount, { method: 'POST' })).status).toBe(202);
      await it.ask(`${BARE}/blobs/${digest}`);
      expect((await it.ask(mount, { method: 'POST' })).status).toBe(201);
      expect((await it.ask(`/v2/team/app/blobs/${digest}`)).body.equals(layer)).toBe(true);
    },
  );

  it('mounts nothing from a mirrored repository that the caller may not pull', async () => {
    const up = await upstream();
    up.addImage('secret/app', 'v1', [layer]);
    const it = await mirror({
      upstreams: [{ name: 'docker.io', urls: [up.url] }],
      authorizer: {
        anonymous: undefined,
        authorize: async (_, needs) => {
          const pushes = needs.some(({ actions }) => actions.includes('push'));
          return {
            account: undefined,
            allows: ({ resolved }) => !(pushes && resolved === 'docker.io/secret/app'),
            sees: () => true,
            decided: () => true,
          };
        },
      },
    });
    const digest = digestOf(layer);
    expect((await it.ask(`/v2/secret/app/blobs/${digest}`)).status).toBe(200);
    const mount = `/v2/team/app/blobs/uploads/?mount=${digest}&from=secret/app`;
    expect((await it.ask(mount, { method: 'POST' })).status).toBe(202);
  });

  it('refuses names that are mirrored, and says what to use', async () => {
    const { it } = await hub();
    for (const path of ['/v2/docker.io/nginx', '/v2/docker.io/library/nginx']) {
      const got = await it.ask(`${path}/blobs/uploads/`, { method: 'POST' });
      expect(got.status).toBe(403);
      expect(got.body.toString()).toMatch(/DENIED.*library\/nginx/);
    }
    expect((await it.ask('/v2/nginx/blobs/uploads/?ns=docker.io', { method: 'POST' })).status).toBe(403);
  });

  it('lets a manifest name blobs of the mirrored namesake, fetched where needed', async () => {
    const { up, it } = await hub();
    const config = Buffer.from('config');
    up.addImage('team/app', 'v1', [layer]);
    await it.ask(`/v2/team/app/blobs/uploads/?digest=${digestOf(config)}`, { method: 'POST', body: config });
    expect(await pushManifest(it, 'team/app', [config, layer])).toBe(201);
    expect(up.count(/GET .*blobs/)).toBe(1);
    await up.stop();
    expect((await it.ask(`/v2/team/app/blobs/${digestOf(layer)}`)).body.equals(layer)).toBe(true);
    expect(await pushManifest(it, 'team/other', [Buffer.from('nowhere')])).toBeGreaterThanOrEqual(400);
  });
});
