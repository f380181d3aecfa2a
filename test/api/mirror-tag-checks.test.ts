import { describe, expect, it } from 'vitest';
import { answer, conditional, silence, wrongBytes } from '../support/upstream/faults.ts';
import { hubBench, LAYER } from '../support/upstream/hub-bench.ts';

const { hub, mirror, upstream } = hubBench();
const TTL = 600_000;

async function hubWithoutHead() {
  const bench = await hub();
  const { up, it } = bench;
  up.on(/^HEAD/, answer(405));
  up.on(/^GET .*manifests/, conditional(up));
  const ask = () => it.ask('/v2/nginx/manifests/v1');
  const requests = () => up.requests.map(({ method, headers }) => [method, headers['if-none-match']]);
  return { ...bench, ask, requests };
}

describe('a tag of an upstream that refuses HEAD', () => {
  it('is asked for by one conditional GET however many ask, and is fresh again', async () => {
    const { up, it, digest, ask, requests } = await hubWithoutHead();
    await ask();
    it.pass(TTL);
    const all = await Promise.all(Array.from({ length: 20 }, ask));
    for (const { status, headers } of all) {
      expect(status).toBe(200);
      expect(headers['docker-content-digest']).toBe(digest);
      expect(headers.warning).toBeUndefined();
    }
    it.pass(TTL - 10_000);
    await ask();
    const checks = [
      ['GET', undefined],
      ['HEAD', undefined],
      ['GET', `"${digest}"`],
    ];
    expect(requests()).toEqual(checks);
    it.pass(10_000);
    expect((await ask()).body.equals(up.manifests.get('library/nginx@v1')?.content ?? LAYER)).toBe(true);
    expect(requests()).toEqual([...checks, ['GET', `"${digest}"`]]);
  });

  it('that moved comes with the very answer that says so, and is kept', async () => {
    const { up, it, ask, requests } = await hubWithoutHead();
    await ask();
    it.pass(TTL);
    const after = up.addImage('library/nginx', 'v1', [LAYER, Buffer.from('more')]);
    const all = await Promise.all(Array.from({ length: 20 }, ask));
    expect(new Set(all.map(({ headers }) => headers['docker-content-digest']))).toEqual(new Set([after]));
    expect(requests()).toHaveLength(3);
    await up.stop();
    it.pass(TTL);
    expect((await ask()).headers['docker-content-digest']).toBe(after);
  });

  it('is an error where nothing is stored and 304 comes to no condition', async () => {
    const { up, ask, requests } = await hubWithoutHead();
    up.on(/^GET .*manifests/, answer(304));
    expect((await ask()).status).toBe(502);
    expect(requests()).toEqual([['GET', undefined]]);
  });
});

describe('a HEAD of a tag whose manifest is not here', () => {
  it('fetches nothing however often it is asked, and tells the same each time', async () => {
    const { up, it, digest } = await hub();
    const head = () => it.ask('/v2/nginx/manifests/v1', { method: 'HEAD' });
    const first = await head();
    const again = await head();
    for (const name of ['docker-content-digest', 'content-type', 'content-length']) {
      expect(again.headers[name], name).toBe(first.headers[name]);
    }
    expect(again.headers['docker-content-digest']).toBe(digest);
    expect(up.requests.map(({ method }) => method)).toEqual(['HEAD']);
    const moved = up.addImage('library/nginx', 'v1', [Buffer.from('moved')]);
    await it.ask(`/v2/nginx/manifests/${digest}`);
    it.pass(TTL);
    expect((await head()).headers['docker-content-digest']).toBe(moved);
    expect((await head()).headers['docker-content-digest']).toBe(moved);
    expect(up.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD']);
  });

  it.each([
    ['fails', answer(500), 502],
    ['limits requests', answer(429), 429],
  ])('tells of the stored one once the upstream %s', async (_, fault, status) => {
    const { up, it, digest } = await hub();
    const head = async () => {
      const { headers } = await it.ask('/v2/nginx/manifests/v1', { method: 'HEAD' });
      return [headers['docker-content-digest'], headers.warning !== undefined];
    };
    await it.ask('/v2/nginx/manifests/v1');
    const moved = up.addImage('library/nginx', 'v1', [Buffer.from('moved')]);
    it.pass(TTL);
    expect(await head()).toEqual([moved, false]);
    up.on(/./, fault);
    expect((await it.ask(`/v2/nginx/manifests/${moved}`)).status).toBe(status);
    expect(await head()).toEqual([digest, true]);
  });

  it('may take longer than the check of a stored one', async () => {
    const up = await upstream();
    const digest = up.addImage('library/nginx', 'v1', [LAYER]);
    const it = await mirror({ upstreams: [{ name: 'docker.io', urls: [up.url] }], tagCheck: 20 });
    up.on(/./, (_, next) => void setTimeout(next, 60));
    const got = await it.ask('/v2/docker.io/nginx/manifests/v1', { method: 'HEAD' });
    expect(got.headers['docker-content-digest']).toBe(digest);
  });
});

describe('the check of a stored tag', () => {
  it('that one URL took too long for holds nothing against the next one', async () => {
    const [first, second] = [await upstream(), await upstream()];
    for (const up of [first, second]) up.addImage('library/nginx', 'v1', [LAYER]);
    const urls = [first.url, second.url];
    const it = await mirror({ upstreams: [{ name: 'docker.io', urls }], tagCheck: 100 });
    const ask = () => it.ask('/v2/nginx/manifests/v1');
    await ask();
    first.on(/./, silence);
    const moved = second.addImage('library/nginx', 'v1', [Buffer.from('moved')]);
    it.pass(TTL);
    expect((await ask()).headers.warning).toMatch(/too slow/);
    const got = await ask();
    expect(got.headers['docker-content-digest']).toBe(moved);
    expect(got.headers.warning).toBeUndefined();
  });
});

describe('the check of a stored tag behind a token server that hangs', () => {
  it('takes no longer than any check', async () => {
    const up = await upstream({ auth: 'token' });
    up.addImage('library/nginx', 'v1', [LAYER]);
    const it = await mirror({ upstreams: [{ name: 'docker.io', urls: [up.url] }], tagCheck: 100 });
    const ask = () => it.ask('/v2/nginx/manifests/v1');
    await ask();
    up.forgetTokens();
    up.on(/token/, silence);
    it.pass(TTL);
    expect((await ask()).headers.warning).toMatch(/too slow/);
  });
});

describe('the log of an outage', () => {
  it('has one warning without a stack while stored tags are served, and one line when it is over', async () => {
    const { up, it } = await hub();
    const ask = () => it.ask('/v2/nginx/manifests/v1');
    const lines = () => it.log.lines.filter(({ level }) => level !== 'debug');
    await ask();
    await up.stop();
    it.pass(TTL);
    for (let time = 0; time < 5; time++) expect((await ask()).headers.warning).toBeDefined();
    const reason = `${up.host} cannot be reached: refuses connections`;
    const begun = {
      level: 'warn',
      fields: { upstream: 'docker.io', reason: expect.stringContaining(reason) },
    };
    expect(lines()).toMatchObject([begun]);
    expect(JSON.stringify(it.log.lines)).not.toContain('    at ');
    await up.listen();
    it.pass(20_000);
    await ask();
    await ask();
    expect(lines()).toMatchObject([begun, { level: 'info', fields: { upstream: 'docker.io' } }]);
  });

  it('has the reason alone for a blob that could not be fetched', async () => {
    const { up, it, layer } = await hub();
    up.on(/GET .*blobs/, wrongBytes);
    const range = `bytes=${LAYER.length - 1}-`;
    expect((await it.ask(`/v2/nginx/blobs/${layer}`, { headers: { range } })).status).toBe(502);
    const { fields } = it.log.lines.find(({ message }) => message === 'a blob could not be fetched') ?? {};
    expect(fields).toMatchObject({
      reason: expect.stringContaining(`${up.host} cannot be used: sent other content`),
    });
    expect(fields).not.toHaveProperty('err');
  });
});
