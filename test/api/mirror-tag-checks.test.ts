import { describe, expect, it } from 'vitest';
import { answer, conditional, wrongBytes } from '../support/upstream/faults.ts';
import { hubBench, LAYER } from '../support/upstream/hub-bench.ts';

const { hub } = hubBench();
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
