import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { OCI_IMAGE_INDEX } from '../../src/oci/media-types.ts';
import { answer, silence } from '../support/upstream/faults.ts';
import { hubBench, LAYER } from '../support/upstream/hub-bench.ts';
import type { MirrorBench } from '../support/upstream/mirror-bench.ts';
import { unknownDigest } from '../support/upstream/scripted-upstream.ts';

const { upstream, mirror, hub } = hubBench();
const BARE = '/v2/nginx';

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
      const { up, it, digest } = await hub(state === 'slow' ? { patience: 300 } : {});
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
      // Whoever pulls has the last byte when the digest is right, which is a moment before the blob is stored.
      await expect.poll(async () => (await it.ask(mount, { method: 'POST' })).status).toBe(201);
      expect((await it.ask(`/v2/team/app/blobs/${digest}`)).body.equals(LAYER)).toBe(true);
    },
  );

  it('mounts nothing from a mirrored repository that the caller may not pull', async () => {
    const up = await upstream();
    up.addImage('secret/app', 'v1', [LAYER]);
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
    const digest = digestOf(LAYER);
    expect((await it.ask(`/v2/secret/app/blobs/${digest}`)).status).toBe(200);
    const mount = `/v2/team/app/blobs/uploads/?mount=${digest}&from=secret/app`;
    expect((await it.ask(mount, { method: 'POST' })).status).toBe(202);
  });

  it.each([
    ['docker.io/nginx', 'such as nginx,'],
    ['docker.io/library/nginx', 'such as nginx,'],
    ['docker.io/team/app', 'such as team/app,'],
    ['k8s.gcr.io/pause', 'such as pause,'],
    ['docker.io', undefined],
    ['docker.io/k8s.gcr.io/pause', undefined],
  ])('refuses the mirrored name %s, and says what to use', async (name, use) => {
    const up = await upstream();
    const upstreams = [
      { name: 'docker.io', urls: [up.url] },
      { name: 'registry.k8s.io', urls: [up.url], aliases: ['k8s.gcr.io'] },
    ];
    const it = await mirror({ upstreams });
    const got = await it.ask(`/v2/${name}/blobs/uploads/`, { method: 'POST' });
    expect(got.status).toBe(403);
    expect(got.body.toString()).toMatch(/DENIED.*push to a name that does not begin with an upstream's/);
    expect(/such as \S+/.exec(got.body.toString())?.[0]).toBe(use);
  });

  it('refuses a push that an ns says to be mirrored', async () => {
    const { it } = await hub();
    expect((await it.ask('/v2/nginx/blobs/uploads/?ns=docker.io', { method: 'POST' })).status).toBe(403);
  });

  it('lets a manifest name blobs of the mirrored namesake, fetched where needed', async () => {
    const { up, it } = await hub();
    const config = Buffer.from('config');
    up.addImage('team/app', 'v1', [LAYER]);
    await it.ask(`/v2/team/app/blobs/uploads/?digest=${digestOf(config)}`, { method: 'POST', body: config });
    expect(await pushManifest(it, 'team/app', [config, LAYER])).toBe(201);
    expect(up.count(/GET .*blobs/)).toBe(1);
    expect(await pushManifest(it, 'team/other', [Buffer.from('nowhere')])).toBe(404);
    await up.stop();
    expect((await it.ask(`/v2/team/app/blobs/${digestOf(LAYER)}`)).body.equals(LAYER)).toBe(true);
    // Whether it has the blob is not known now.
    expect(await pushManifest(it, 'team/other', [Buffer.from('nowhere')])).toBe(502);
  });

  it('fetches an index of the namesake once, however often indexes name one another', async () => {
    const { up, it } = await hub();
    const index = (digest: string): string => {
      const child = { mediaType: OCI_IMAGE_INDEX, digest, size: 1 };
      return JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_IMAGE_INDEX,
        manifests: Array(9).fill(child),
      });
    };
    const options = { mediaType: OCI_IMAGE_INDEX };
    let digest = up.addManifest('team/app', index(unknownDigest('child')), options);
    for (let depth = 0; depth < 30; depth++) digest = up.addManifest('team/app', index(digest), options);
    const headers = { 'content-type': OCI_IMAGE_INDEX };
    const path = '/v2/team/app/manifests/v1';
    expect((await it.ask(path, { method: 'PUT', headers, body: index(digest) })).status).toBe(201);
    expect(up.count(/GET .*manifests/)).toBeLessThanOrEqual(33);
  });

  it('waits for a blob of the namesake that is on its way for somebody else', async () => {
    const { up, it } = await hub();
    const config = Buffer.from('config');
    up.addImage('team/app', 'v1', [LAYER]);
    const gate = Promise.withResolvers<void>();
    up.on(/GET .*blobs/, (_, next) => void gate.promise.then(next), 1);
    await it.ask(`/v2/team/app/blobs/uploads/?digest=${digestOf(config)}`, { method: 'POST', body: config });
    const pushes = [
      [config, LAYER],
      [config, LAYER, LAYER],
    ].map((blobs) => pushManifest(it, 'team/app', blobs));
    await expect.poll(() => up.count(/GET .*blobs/)).toBe(1);
    // Both are under way by the time that a later request is answered.
    await it.ask('/v2/');
    gate.resolve();
    expect(await Promise.all(pushes)).toEqual([201, 201]);
    expect(up.count(/GET .*blobs/)).toBe(1);
  });
});
