import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { CredentialsUnavailableError } from '../../src/mirror/upstream/credentials.ts';
import {
  answer,
  cutAfter,
  send,
  silence,
  stallAfter,
  withoutSize,
  wrongBytes,
} from '../support/upstream/faults.ts';
import { hubBench, LAYER } from '../support/upstream/hub-bench.ts';

const { hub, mirror, upstream } = hubBench();
const TTL = 600_000;
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

  it('is found by the host asked where http.host gives another one', async () => {
    const up = await upstream();
    const digest = up.addImage('deis/go-dev', 'v1', [LAYER]);
    const upstreams = [
      { name: 'docker.io', urls: ['http://127.0.0.1:1'] },
      { name: 'quay.io', urls: [up.url], hosts: ['quay.mirror.example'] },
    ];
    const it = await mirror({ upstreams, host: 'https://mirror.example' });
    const headers = { host: 'quay.mirror.example' };
    const got = await it.ask('/v2/deis/go-dev/manifests/v1', { headers });
    expect(got.headers['docker-content-digest']).toBe(digest);
  });

  it('is pulled with the upstream gone once it was pulled', async () => {
    const { up, it, digest, layer: layerDigest } = await hub();
    await it.ask(`${BARE}/manifests/v1`);
    expect((await it.ask(`${BARE}/blobs/${layerDigest}`)).body.equals(LAYER)).toBe(true);
    await up.stop();
    it.pass(TTL);
    const got = await it.ask(`${BARE}/manifests/v1`);
    expect(got.headers['docker-content-digest']).toBe(digest);
    expect(got.headers.warning).toMatch(/^299 - "/);
    expect((await it.ask(`${BARE}/manifests/${digest}`)).headers.warning).toBeUndefined();
    expect((await it.ask(`${BARE}/blobs/${layerDigest}`)).body.equals(LAYER)).toBe(true);
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
    for (const { body } of all) expect(body.equals(LAYER)).toBe(true);
    expect(up.count(/GET .*blobs/)).toBe(1);
  });

  it('serves a range of a cold blob', async () => {
    const { it, layer: digest } = await hub();
    const got = await it.ask(`${BARE}/blobs/${digest}`, { headers: { range: 'bytes=100-199' } });
    expect(got.status).toBe(206);
    expect(got.headers['content-range']).toBe(`bytes 100-199/${LAYER.length}`);
    expect(got.body.equals(LAYER.subarray(100, 200))).toBe(true);
  });

  it('streams a blob whose size nobody tells, and knows it then', async () => {
    const { up, it, layer: digest } = await hub();
    up.on(/blobs/, withoutSize(LAYER));
    const got = await it.ask(`${BARE}/blobs/${digest}`);
    expect(got.status).toBe(200);
    expect(got.headers['content-length']).toBeUndefined();
    expect(got.body.equals(LAYER)).toBe(true);
    const again = await it.ask(`${BARE}/blobs/${digest}`, { headers: { range: 'bytes=10-19' } });
    expect(again.status).toBe(206);
    expect(again.headers['content-range']).toBe(`bytes 10-19/${LAYER.length}`);
  });

  it('does not believe a HEAD that says of such a blob that it is empty', async () => {
    const { up, it, layer: digest } = await hub();
    up.on(/blobs/, withoutSize(LAYER));
    up.on(/HEAD .*blobs/, send(200, '', { 'content-length': '0' }));
    const path = `/v2/docker.io/nginx/blobs/${digest}`;
    const head = await it.ask(path, { method: 'HEAD' });
    expect(head.headers['content-length']).toBe(String(LAYER.length));
    expect((await it.ask(path)).body.equals(LAYER)).toBe(true);
  });

  it('does not believe what the manifest of another repository says of its size', async () => {
    const { up, it, layer: digest } = await hub();
    const layers = [{ mediaType: 'application/octet-stream', digest, size: 7 }];
    up.addManifest('evil/app', JSON.stringify({ schemaVersion: 2, layers }), { tag: 'v1' });
    expect((await it.ask('/v2/evil/app/manifests/v1')).status).toBe(200);
    up.on(/blobs/, withoutSize(LAYER));
    expect((await it.ask(`${BARE}/blobs/${digest}`)).body.equals(LAYER)).toBe(true);
  });

  it('says the size of such a blob to a HEAD, once it is here', async () => {
    const { up, it, layer: digest } = await hub();
    up.on(/blobs/, withoutSize(LAYER));
    // Something of the repository is here: a HEAD goes on to the upstream.
    await it.ask(`${BARE}/manifests/v1`);
    const head = await it.ask(`/v2/docker.io/nginx/blobs/${digest}`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers['content-length']).toBe(String(LAYER.length));
  });

  it('never ends a wrong blob as if complete', async () => {
    const { up, it, layer: digest } = await hub();
    up.on(/blobs/, wrongBytes, 1);
    await expect(it.ask(`${BARE}/blobs/${digest}`)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await it.ask(`${BARE}/blobs/${digest}`)).body.equals(LAYER)).toBe(true);
    up.heal();
  });

  it('tells what is wrong with the upstream while nothing was sent yet', async () => {
    const { up, it, layer: digest } = await hub({ patience: 300 });
    up.on(/GET .*blobs/, wrongBytes, 1);
    const range = `bytes=${LAYER.length - 1}-`;
    const wrong = await it.ask(`${BARE}/blobs/${digest}`, { headers: { range } });
    expect(wrong.status).toBe(502);
    expect(wrong.headers['content-range']).toBeUndefined();
    up.on(/GET .*blobs/, stallAfter(0));
    expect((await it.ask(`${BARE}/blobs/${digest}`)).status).toBe(504);
  });

  it('resets the connection of an HTTP/1.0 client, to whom its end would be that of the blob', async () => {
    const { up, it, layer: digest } = await hub();
    up.on(/blobs/, withoutSize(Buffer.alloc(LAYER.length, 'wrong')));
    const { port } = new URL(it.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`GET ${BARE}/blobs/${digest} HTTP/1.0\r\nhost: mirror\r\n\r\n`);
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
    await expect(once(socket, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(received).toBeGreaterThan(0);
  });

  it('resumes for the client what the upstream cut', async () => {
    const { up, it, layer: digest } = await hub();
    up.on(/blobs/, cutAfter(1000), 2);
    expect((await it.ask(`${BARE}/blobs/${digest}`)).body.equals(LAYER)).toBe(true);
    const ranges = up.requests.map(({ headers }) => headers.range);
    expect(ranges.slice(-2)).toEqual(['bytes=1000-', 'bytes=2000-'].map((r) => expect.stringContaining(r)));
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

describe('the tags of a mirrored repository', () => {
  it('are asked for once for all pages that a client takes, and anew by the next client', async () => {
    const { up, it } = await hub();
    for (const tag of ['v2', 'v3', 'v4', 'v5']) up.addImage('library/nginx', tag, [LAYER]);
    const names: string[] = [];
    for (let path: string | undefined = `${BARE}/tags/list?n=2`; path !== undefined; ) {
      const { headers, body } = await it.ask(path);
      names.push(...JSON.parse(body.toString()).tags);
      path = /<([^>]+)>/.exec(String(headers.link ?? ''))?.[1];
    }
    expect(names).toEqual(['v1', 'v2', 'v3', 'v4', 'v5']);
    // The upstream's own pages have two tags.
    expect(up.count(/tags/)).toBe(3);
    up.addImage('library/nginx', 'v0', [LAYER]);
    expect((await it.ask(`${BARE}/tags/list?n=2`)).body.toString()).toContain('"v0"');
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
    const after = up.addImage('library/nginx', 'v1', [LAYER, Buffer.from('more')]);
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
      const { up, it, digest } = await hub(fault === silence ? { patience: 300 } : {});
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

describe('a stored tag', () => {
  it('is served whatever letters the reason has for which the upstream cannot be asked', async () => {
    const up = await upstream();
    const get = async (): Promise<undefined> => {
      throw new CredentialsUnavailableError('the password file /etc/合言葉 cannot be read');
    };
    const it = await mirror({ upstreams: [{ name: 'docker.io', urls: [up.url], credentials: { get } }] });
    const digest = up.addImage('library/nginx', 'v1', [LAYER]);
    await it.ask(`${BARE}/manifests/v1`);
    up.on(/./, answer(401, { 'www-authenticate': 'Basic realm="up"' }));
    it.pass(TTL);
    const got = await it.ask(`${BARE}/manifests/v1`);
    expect(got.headers['docker-content-digest']).toBe(digest);
    expect(got.headers.warning).toMatch(/the password file/);
  });

  it('is not turned back by a client that goes on with what a HEAD told it long ago', async () => {
    const { up, it } = await hub();
    const old = (await it.ask(`${BARE}/manifests/v1`, { method: 'HEAD' })).headers['docker-content-digest'];
    const moved = up.addImage('library/nginx', 'v1', [Buffer.from('moved')]);
    it.pass(TTL);
    await it.ask(`${BARE}/manifests/v1`);
    await it.ask(`${BARE}/manifests/${old}`);
    await up.stop();
    it.pass(TTL);
    expect((await it.ask(`${BARE}/manifests/v1`)).headers['docker-content-digest']).toBe(moved);
  });
});

describe('a manifest', () => {
  it('is passed on whatever it says its media type is', async () => {
    const { up, it } = await hub();
    const content = JSON.stringify({ schemaVersion: 2, mediaType: 'text/合\r\nx: y', layers: [] });
    up.addManifest('library/odd', content, { tag: 'v1', mediaType: 'application/json' });
    const got = await it.ask('/v2/odd/manifests/v1');
    expect(got.status).toBe(200);
    expect(got.body.toString()).toBe(content);
  });
});
