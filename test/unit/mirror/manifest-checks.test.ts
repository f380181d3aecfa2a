import { describe, expect, it } from 'vitest';
import { parseReference } from '../../../src/oci/reference.ts';
import { clientBench } from '../../support/upstream/client-bench.ts';
import { answer, conditional, send } from '../../support/upstream/faults.ts';
import { unknownDigest } from '../../support/upstream/scripted-upstream.ts';

const { upstream, client } = clientBench();
const repository = 'team/app';
const reference = parseReference('v1');

async function withoutHead() {
  const up = await upstream();
  const digest = up.addImage(repository, 'v1', []);
  let passed = 0;
  const it = client(up.url, { now: () => passed });
  const pass = (milliseconds: number): void => {
    passed += milliseconds;
  };
  up.on(/^HEAD/, answer(405));
  return { up, digest, it, pass, conditions: () => up.requests.map((one) => one.headers['if-none-match']) };
}

describe('asking whether a manifest is still the same', () => {
  it.each([
    ['is refused by 405', answer(405)],
    ['is refused by 501', answer(501)],
    ['carries no digest', send(200, '')],
    ['is answered 304, to no question', answer(304, { 'docker-content-digest': unknownDigest('304') })],
  ])('is a GET where HEAD %s', async (_, fault) => {
    const { up, it, digest } = await withoutHead();
    up.on(/^HEAD/, fault);
    const head = await it.headManifest({ repository, reference });
    expect(head).toMatchObject({ digest, whole: { digest } });
    expect(up.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET']);
    expect(it.urls.some((url) => url.troubled)).toBe(false);
  });

  it('sends no manifest again that is here', async () => {
    const { up, it, digest, conditions } = await withoutHead();
    up.on(/^GET/, conditional(up));
    const head = await it.headManifest({ repository, reference, known: digest });
    expect(head).toEqual({ digest, mediaType: undefined, size: undefined });
    expect(conditions()).toEqual([undefined, `"${digest}"`]);
  });

  it('takes what it gets when that is another one, or the condition is ignored', async () => {
    const { up, it, digest } = await withoutHead();
    const known = unknownDigest('old');
    expect(await it.headManifest({ repository, reference, known })).toMatchObject({ whole: { digest } });
    expect(await it.headManifest({ repository, reference, known: digest })).toMatchObject({
      whole: { digest },
    });
    expect(up.count(/^GET/)).toBe(2);
  });

  it('sends no condition with HEAD, nor where nothing is known', async () => {
    const { up, it, digest, conditions } = await withoutHead();
    await it.headManifest({ repository, reference });
    await it.getManifest({ repository, reference });
    up.heal();
    await client(up.url).headManifest({ repository, reference, known: digest });
    expect(conditions()).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('does not take 304 for an answer to no condition', async () => {
    const { up, it } = await withoutHead();
    up.on(/^GET/, answer(304));
    await expect(it.headManifest({ repository, reference })).rejects.toThrow(/answered 304/);
    await expect(it.getManifest({ repository, reference })).rejects.toThrow(/answered 304/);
  });

  it('asks by HEAD again after a page that was no registry’s', async () => {
    const { up, it, digest } = await withoutHead();
    up.heal();
    up.on(/./, send(200, '<html>log in</html>', { 'content-type': 'text/html' }));
    await expect(it.headManifest({ repository, reference })).rejects.toThrow(/no manifest/);
    up.heal();
    expect((await it.headManifest({ repository, reference })).digest).toBe(digest);
    expect(up.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD']);
  });

  it('goes straight to GET for an hour after a HEAD that told nothing', async () => {
    const { up, it, digest, pass } = await withoutHead();
    const known = digest;
    await it.headManifest({ repository, reference, known });
    pass(3_599_999);
    await it.headManifest({ repository, reference, known });
    expect(up.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'GET']);
    pass(1);
    up.heal();
    await it.headManifest({ repository, reference, known });
    expect(up.requests.at(-1)?.method).toBe('HEAD');
  });
});
