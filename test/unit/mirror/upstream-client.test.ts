import { describe, expect, it, vi } from 'vitest';
import { readWhole } from '../../../src/mirror/upstream/response-body.ts';
import { UpstreamSlow } from '../../../src/mirror/upstream/upstream-errors.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { eventually } from '../../support/eventually.ts';
import { clientBench } from '../../support/upstream/client-bench.ts';
import { answer, cutAfter, hangUp, send, silence, stallAfter } from '../../support/upstream/faults.ts';
import { unknownDigest } from '../../support/upstream/scripted-upstream.ts';
import { signedSchema1 } from '../../support/upstream/signed-schema1.ts';

const { upstream, client } = clientBench();
const v1 = parseReference('v1');
const short = { timeouts: { connect: 300, firstByte: 100, stall: 100 } };
const repository = 'team/app';

describe('asking an upstream', () => {
  it('gets manifests by tag and digest, with their bytes and types', async () => {
    const up = await upstream();
    const digest = up.addImage(repository, 'v1', [Buffer.from('layer')]);
    const it = client(up.url);
    const byTag = await it.getManifest({ repository, reference: v1 });
    expect(byTag.digest).toBe(digest);
    expect(await it.getManifest({ repository, reference: parseReference(digest) })).toEqual(byTag);
    expect(await it.headManifest({ repository, reference: v1 })).toMatchObject({
      digest,
      size: byTag.content.length,
    });
    expect(up.requests[0]?.headers.accept).toContain('vnd.docker.distribution.manifest.v1+prettyjws');
  });

  it('puts the path of a URL before the name', async () => {
    const up = await upstream();
    up.addImage('google-containers/pause', 'v1', []);
    await client(`${up.url}/google-containers/`).headManifest({ repository: 'pause', reference: v1 });
    expect(up.requests[0]?.path).toBe('/v2/google-containers/pause/manifests/v1');
  });

  it('refuses a manifest of another digest, and what is no manifest', async () => {
    const up = await upstream();
    const digest = up.addImage(repository, 'v1', []);
    const it = client(up.url);
    up.on(/^GET/, send(200, '{"schemaVersion":2}', { 'docker-content-digest': digest }), 1);
    await expect(it.getManifest({ repository, reference: v1 })).rejects.toThrow(/another digest/);
    up.on(/^GET/, send(200, '{"schemaVersion":2}'), 1);
    await expect(it.getManifest({ repository, reference: parseReference(digest) })).rejects.toThrow(
      /another digest/,
    );
    for (const body of ['<html>', '{"status":"maintenance"}']) {
      up.on(/^GET/, send(200, body), 1);
      await expect(it.getManifest({ repository, reference: v1 })).rejects.toThrow(/no manifest/);
    }
  });

  it('takes a signed schema 1 manifest by the digest of its payload', async () => {
    const up = await upstream();
    const { content: body, digest } = signedSchema1('old');
    up.on(
      /^GET/,
      send(200, body, { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' }),
    );
    const got = await client(up.url).getManifest({ repository, reference: parseReference(digest) });
    expect(got.content.toString()).toBe(body);
    expect(got).toMatchObject({
      digest,
      mediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
    });
  });

  it('reads blobs whole and by range, and tells when a range is ignored', async () => {
    const up = await upstream();
    const content = Buffer.from('0123456789');
    const digest = up.addBlob(content);
    const it = client(up.url);
    const whole = await it.getBlob({ repository, digest });
    expect(whole.carried).toEqual({ start: 0, end: 9, total: 10 });
    expect(await readWhole(whole.body, 100)).toEqual(content);
    const part = await it.getBlob({ repository, digest, range: { start: 3, end: 5 } });
    expect(part.carried).toEqual({ start: 3, end: 5, total: 10 });
    expect((await readWhole(part.body, 100)).toString()).toBe('345');
    up.on(/^GET/, send(206, 'xyz', { 'content-range': 'bytes 4-6/10' }), 1);
    await expect(it.getBlob({ repository, digest, range: { start: 3 } })).rejects.toThrow(/another range/);
    up.on(/^GET/, send(200, content, { 'content-length': '10' }), 1);
    const ignored = await it.getBlob({ repository, digest, range: { start: 3 } });
    expect(ignored.carried?.start).toBe(0);
    ignored.body.abort();
  });

  it('leaves out referrers that nest too deeply to be told, and reads no more of a Link than can be right', async () => {
    const up = await upstream();
    const subject = unknownDigest('subject');
    const descriptor = (name: string, depth: number): string =>
      `{"mediaType":"a/b","digest":"${unknownDigest(name)}","size":1,"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const body = `{"manifests":[${descriptor('deep', 200_000)},${descriptor('flat', 3)}]}`;
    const link = `<a>; rel=${' '.repeat(15_000)}x, </v2/x?n=2>; rel=next`;
    up.on(/referrers/, send(200, body, { link }));
    const got = await client(up.url).listReferrers({ repository, digest: subject });
    expect(got.map(({ digest }) => digest)).toEqual([unknownDigest('flat')]);
    expect(up.requests).toHaveLength(1);
  });

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n'],
    ['a header that is none', 'HTTP/1.1 200 OK\r\nno header\r\n\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
  ])('tells that an upstream sends %s', async (_, text) => {
    const up = await upstream();
    up.on(/./, ({ req }) => void req.socket.end(text));
    await expect(client(up.url).getManifest({ repository, reference: v1 })).rejects.toMatchObject({
      name: 'UpstreamUnreachable',
      reason: 'sends what is no HTTP',
    });
  });

  it('lists all pages of tags, and referrers with and without the API', async () => {
    const up = await upstream();
    for (const tag of ['a', 'b', 'c', 'd', 'e']) up.addImage(repository, tag, []);
    expect(await client(up.url).listTags({ repository })).toEqual(['a', 'b', 'c', 'd', 'e']);

    const subject = unknownDigest('subject');
    const referrer = up.addManifest(
      repository,
      JSON.stringify({ schemaVersion: 2, subject: { digest: subject } }),
    );
    expect(
      (await client(up.url).listReferrers({ repository, digest: subject })).map((one) => one.digest),
    ).toEqual([referrer]);
    const old = await upstream({ referrers: false });
    expect(await client(old.url).listReferrers({ repository, digest: subject })).toEqual([]);
    const index = { schemaVersion: 2, manifests: [{ mediaType: 'x', digest: referrer, size: 3 }] };
    old.addManifest(repository, JSON.stringify(index), { tag: subject.replace(':', '-') });
    expect(await client(old.url).listReferrers({ repository, digest: subject })).toEqual(index.manifests);
  });

  it('takes the fallback tag where the referrers API is not implemented, which is no failure', async () => {
    const up = await upstream();
    up.on(/referrers/, answer(501));
    const subject = unknownDigest('subject');
    const index = { schemaVersion: 2, manifests: [{ mediaType: 'x', digest: unknownDigest('it'), size: 3 }] };
    up.addManifest(repository, JSON.stringify(index), { tag: subject.replace(':', '-') });
    const it = client(up.url);
    for (let n = 0; n < 6; n++) {
      expect(await it.listReferrers({ repository, digest: subject })).toEqual(index.manifests);
    }
    expect(it.urls[0]?.troubled).toBe(false);
  });

  it.each(['http', 'https'])(
    'gets a manifest over %s while blobs hold all the connections there are',
    async (scheme) => {
      const up = await upstream({ tls: scheme === 'https' });
      const tag = up.addImage(repository, 'v1', []);
      const digest = up.addBlob(Buffer.alloc(100_000, 1));
      up.on(/blobs/, stallAfter(1000));
      const it = client(up.url, { insecure: true, connections: 2 });
      const blobs = await Promise.all([1, 2].map(() => it.getBlob({ repository, digest })));
      const signal = AbortSignal.timeout(1000);
      expect((await it.headManifest({ repository, reference: v1, signal })).digest).toBe(tag);
      for (const { body } of blobs) body.abort();
    },
  );

  it('gives a list up whose pages have no end', async () => {
    const up = await upstream();
    const page = Buffer.concat([
      Buffer.from('{"tags":[]'),
      Buffer.alloc(15 * 1024 * 1024, ' '),
      Buffer.from('}'),
    ]);
    let pages = 0;
    up.on(/tags/, ({ res }) => {
      const last = pages++ === 10;
      res.writeHead(
        200,
        last ? {} : { link: `</v2/${repository}/tags/list?n=1000&last=${pages}>; rel="next"` },
      );
      res.end(last ? '{"tags":["v1"]}' : page);
    });
    await expect(client(up.url).listTags({ repository })).rejects.toMatchObject({ name: 'UpstreamWrong' });
    expect(pages).toBe(5);
  });

  it('fetches nothing that the configuration does not allow', async () => {
    const up = await upstream();
    const it = client(up.url, { allow: ['library/*', 'team/**'] });
    await expect(it.headManifest({ repository: 'other/x', reference: v1 })).rejects.toMatchObject({
      name: 'UpstreamNotAllowed',
    });
    expect(up.requests).toEqual([]);
    await expect(it.headManifest({ repository, reference: v1 })).rejects.toMatchObject({
      name: 'UpstreamNotFound',
    });
  });
});

describe('an upstream that fails', () => {
  it.each([
    ['refuses connections', undefined, 'UpstreamUnreachable'],
    ['does not answer', silence, 'UpstreamSlow'],
    ['hangs up', hangUp, 'UpstreamUnreachable'],
    ['answers 500', answer(500), 'UpstreamFailed'],
    ['answers 400', answer(400), 'UpstreamWrong'],
    ['limits', answer(429, { 'retry-after': '7' }), 'UpstreamLimited'],
  ])('%s', async (_, fault, name) => {
    const up = await upstream();
    if (fault === undefined) await up.stop();
    else up.on(/./, fault);
    const it = client(up.url, fault === silence ? short : {});
    await expect(it.headManifest({ repository, reference: v1 })).rejects.toMatchObject({ name });
  });

  it('has the next URL asked', async () => {
    const [first, second] = [await upstream(), await upstream()];
    const digest = second.addImage(repository, 'v1', []);
    first.on(/./, answer(503));
    const it = client([first.url, second.url]);
    expect((await it.headManifest({ repository, reference: v1 })).digest).toBe(digest);
    await it.headManifest({ repository, reference: v1 });
    expect(first.requests).toHaveLength(1);
  });

  it('has the first URL asked again once it works, for which nobody waits', async () => {
    const [first, second] = [await upstream(), await upstream()];
    for (const up of [first, second]) up.addImage(repository, 'v1', []);
    let now = 0;
    const it = client([first.url, second.url], { now: () => now });
    const ask = () => it.headManifest({ repository, reference: v1 });
    first.on(/./, silence);
    const hanging = client([first.url, second.url], { now: () => now, ...short });
    await hanging.headManifest({ repository, reference: v1 });
    now += 1_000;
    await hanging.headManifest({ repository, reference: v1 });
    expect(second.requests).toHaveLength(2);
    first.on(/./, answer(503), 1);
    await ask();
    first.heal();
    now += 1_000;
    await ask();
    expect(second.requests).toHaveLength(4);
    const looked = { within: 10_000, holds: () => it.urls[0]?.troubled === false };
    await eventually('the first URL is well again', looked);
    const { length } = first.requests;
    await ask();
    expect([first.requests.length, second.requests.length]).toEqual([length + 1, 4]);
  });

  it('is over in its time though the clock is set back', async () => {
    const up = await upstream();
    up.addImage(repository, 'v1', []);
    const it = client(up.url);
    up.on(/./, hangUp, 2);
    await expect(it.headManifest({ repository, reference: v1 })).rejects.toThrow();
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
    const later = performance.now() + 1_000;
    vi.spyOn(performance, 'now').mockReturnValue(later);
    try {
      await it.headManifest({ repository, reference: v1 });
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('is not held against a URL that was given up because of another', async () => {
    const up = await upstream();
    const abort = new AbortController();
    const reason = new UpstreamSlow('other.example', 'took too long');
    up.on(/./, () => abort.abort(reason));
    const it = client(up.url);
    await expect(it.headManifest({ repository, reference: v1, signal: abort.signal })).rejects.toBe(reason);
    expect(it.urls[0]?.troubled).toBe(false);
  });

  it('breaks a body off when it is cut or stalls', async () => {
    const up = await upstream();
    const digest = up.addBlob(Buffer.alloc(100_000, 1));
    const it = client(up.url, { timeouts: { connect: 20_000, firstByte: 20_000, stall: 100 } });
    up.on(/blobs/, cutAfter(50_000), 1);
    await expect(readWhole((await it.getBlob({ repository, digest })).body, 1e6)).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
    up.on(/blobs/, stallAfter(50_000), 1);
    await expect(readWhole((await it.getBlob({ repository, digest })).body, 1e6)).rejects.toThrow(
      /nothing came/,
    );
  });

  it('is left alone while it is down, and tried again after at most 15 s', async () => {
    const up = await upstream();
    up.addImage(repository, 'v1', []);
    let now = 0;
    const it = client(up.url, { now: () => now });
    await up.stop();
    const ask = () => it.headManifest({ repository, reference: v1 });
    await expect(ask()).rejects.toMatchObject({ name: 'UpstreamUnreachable' });
    await up.listen();
    await expect(ask()).rejects.toMatchObject({ name: 'UpstreamUnreachable' });
    expect(up.requests).toEqual([]);
    now += 15_000;
    await ask();
    await ask();
    expect(up.requests).toHaveLength(2);
  });

  it('is not asked for any manifest until the time that a 429 names', async () => {
    const up = await upstream();
    up.addImage(repository, 'v1', []);
    const digest = up.addBlob(Buffer.from('blob'));
    let now = 1_000_000;
    const it = client(up.url, { now: () => now });
    const date = new Date(now).toUTCString();
    const later = new Date(now + 60_000).toUTCString();
    // The upstream's own clock counts, not that of this machine.
    now += 500_000;
    up.on(/manifests/, answer(429, { date, 'retry-after': later }), 1);
    await expect(it.getManifest({ repository, reference: v1 })).rejects.toMatchObject({ retryAfter: 60 });
    now += 59_000;
    await expect(it.headManifest({ repository: 'team/other', reference: v1 })).rejects.toMatchObject({
      retryAfter: 1,
    });
    expect(up.requests).toHaveLength(1);
    (await it.getBlob({ repository, digest })).body.abort();
    now += 1_000;
    await it.headManifest({ repository, reference: v1 });
  });

  it('doubles the pause after a 429 without a time, to half a minute', async () => {
    const up = await upstream();
    let now = 0;
    const it = client(up.url, { now: () => now });
    up.on(/./, answer(429));
    const pauses: number[] = [];
    for (let n = 0; n < 7; n++) {
      const error = await it
        .headManifest({ repository, reference: v1 })
        .catch((error: { retryAfter: number }) => error);
      const { retryAfter } = error as { retryAfter: number };
      pauses.push(retryAfter);
      now += retryAfter * 1000;
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30]);
  });

  it('shows the limit it tells', async () => {
    const up = await upstream();
    const told: unknown[] = [];
    const metrics = { limit: (_: unknown, limit: unknown) => told.push(limit), request: () => {} };
    up.on(/./, answer(404, { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '20;w=21600' }));
    const it = client(up.url, { metrics });
    await expect(it.headManifest({ repository, reference: v1 })).rejects.toMatchObject({
      name: 'UpstreamNotFound',
    });
    expect(told).toEqual([{ limit: 100, remaining: 20, window: 21600 }]);
  });

  it('is given up when the caller gives up, and that says nothing about it', async () => {
    const up = await upstream();
    up.on(/./, silence);
    const it = client(up.url);
    const abort = new AbortController();
    const asked = it.headManifest({ repository, reference: v1, signal: abort.signal });
    await expect.poll(() => up.requests.length).toBe(1);
    abort.abort(new Error('left'));
    await expect(asked).rejects.toThrow('left');
    up.heal();
    await expect(it.headManifest({ repository, reference: v1 })).rejects.toMatchObject({
      name: 'UpstreamNotFound',
    });
  });
});
