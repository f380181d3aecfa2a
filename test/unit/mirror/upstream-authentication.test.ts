import { describe, expect, it } from 'vitest';
import { fixedCredentials } from '../../../src/mirror/upstream/credentials.ts';
import { readWhole } from '../../../src/mirror/upstream/response-body.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { clientBench } from '../../support/upstream/client-bench.ts';
import { answer, hangUp, redirect, send, silence } from '../../support/upstream/faults.ts';
import { unknownDigest } from '../../support/upstream/scripted-upstream.ts';

const { upstream, client } = clientBench();
const v1 = parseReference('v1');
const repository = 'team/app';

describe('authentication at an upstream', () => {
  it('takes a token once for a repository, and foresees what the next one asks', async () => {
    const up = await upstream({ auth: 'token' });
    up.addImage(repository, 'v1', []);
    up.addImage('team/other', 'v1', []);
    const it = client(up.url);
    await it.headManifest({ repository, reference: v1 });
    await it.getManifest({ repository, reference: v1 });
    expect(up.tokensGiven).toBe(1);
    expect(up.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'HEAD /v2/team/app/manifests/v1',
      'GET /token?service=upstream&scope=repository%3Ateam%2Fapp%3Apull',
      'HEAD /v2/team/app/manifests/v1',
      'GET /v2/team/app/manifests/v1',
    ]);
    await it.headManifest({ repository: 'team/other', reference: v1 });
    expect(up.count(/other/)).toBe(2);
  });

  it('asks once for a token however many wait for it', async () => {
    const up = await upstream({ auth: 'token' });
    up.addImage(repository, 'v1', []);
    const it = client(up.url);
    await Promise.all(Array.from({ length: 10 }, () => it.headManifest({ repository, reference: v1 })));
    expect(up.tokensGiven).toBe(1);
  });

  it('fetches a refused token anew, once', async () => {
    const up = await upstream({ auth: 'token' });
    up.addImage(repository, 'v1', []);
    const it = client(up.url);
    await it.headManifest({ repository, reference: v1 });
    up.forgetTokens();
    await it.headManifest({ repository, reference: v1 });
    expect(up.tokensGiven).toBe(2);
  });

  /** An upstream whose tokens came from another server until now. */
  async function movedTokens(options: Parameters<typeof client>[1] = {}) {
    const up = await upstream({ auth: 'token' });
    const old = await upstream({ auth: 'token' });
    up.addImage(repository, 'v1', []);
    up.addImage('team/other', 'v1', []);
    up.on(/./, answer(401, { 'www-authenticate': `Bearer realm="${old.url}/token",service="x"` }));
    const it = client(up.url, options);
    const ask = (name: string) => it.headManifest({ repository: name, reference: v1 });
    await expect(ask(repository)).rejects.toMatchObject({ name: 'UpstreamNotFound' });
    up.heal();
    return { old, ask };
  }

  it.each([
    ['is gone', hangUp],
    ['knows nothing any more', answer(404)],
    ['says something else', send(200, '<html>')],
  ])('learns where tokens are from now on when the token server %s', async (_, fault) => {
    const { old, ask } = await movedTokens();
    old.on(/token/, fault);
    await ask('team/other');
    await ask(repository);
  });

  it('learns it too where the token server says nothing, without a second wait', async () => {
    let now = 0;
    const { old, ask } = await movedTokens({ timeouts: { firstByte: 50 }, now: () => now });
    old.on(/token/, silence);
    await expect(ask('team/other')).rejects.toMatchObject({ name: 'UpstreamSlow' });
    now += 15_000;
    await ask('team/other');
    await ask(repository);
  });

  it('ignores a placeholder scope', async () => {
    const up = await upstream({ auth: 'token' });
    up.addImage(repository, 'v1', []);
    const challenge = `Bearer realm="${up.url}/token",service="x",scope="repository:user/image:pull"`;
    up.on(/^HEAD/, answer(401, { 'www-authenticate': challenge }), 1);
    await client(up.url).headManifest({ repository, reference: v1 });
    expect(up.tokensGiven).toBe(1);
  });

  it('says not found where a good anonymous token is refused', async () => {
    const up = await upstream({ auth: 'token' });
    up.on(/manifests/, answer(401, { 'www-authenticate': `Bearer realm="${up.url}/token",service="x"` }));
    const asked = client(up.url).headManifest({ repository, reference: v1 });
    await expect(asked).rejects.toMatchObject({ name: 'UpstreamNotFound' });
    expect(up.tokensGiven).toBeLessThanOrEqual(2);
  });

  it('sends Basic credentials, and tells when they are refused', async () => {
    const user = { name: 'me', password: 'secret' };
    const up = await upstream({ auth: 'basic', user });
    up.addImage(repository, 'v1', []);
    const good = client(up.url, { credentials: fixedCredentials({ username: 'me', password: 'secret' }) });
    await good.headManifest({ repository, reference: v1 });
    await good.headManifest({ repository, reference: v1 });
    expect(up.requests).toHaveLength(3);
    const bad = client(up.url, { credentials: fixedCredentials({ username: 'me', password: 'wrong' }) });
    await expect(bad.headManifest({ repository, reference: v1 })).rejects.toMatchObject({
      name: 'UpstreamRefused',
    });
    await expect(client(up.url).headManifest({ repository, reference: v1 })).rejects.toMatchObject({
      name: 'UpstreamRefused',
    });
  });

  it('gives credentials to its own realm only', async () => {
    const up = await upstream();
    const other = await upstream();
    const challenge = `Bearer realm="${other.url}/token",service="x"`;
    up.on(/manifests/, answer(401, { 'www-authenticate': challenge }));
    const credentials = fixedCredentials({ username: 'me', password: 'secret' });
    await expect(
      client(up.url, { credentials }).headManifest({ repository, reference: v1 }),
    ).rejects.toMatchObject({ name: 'UpstreamNotFound' });
    expect(other.count(/token/)).toBeGreaterThan(0);
    expect(
      other.requests.every(({ headers, path }) => !headers.authorization && !path.includes('account')),
    ).toBe(true);
  });

  it('takes a token with credentials from its own realm', async () => {
    const up = await upstream({ auth: 'token', user: { name: 'me', password: 'secret' } });
    up.addImage(repository, 'v1', []);
    const credentials = fixedCredentials({ username: 'me', password: 'secret' });
    await client(up.url, { credentials }).headManifest({ repository, reference: v1 });
    expect(up.count(/account=me/)).toBe(1);
    await expect(client(up.url).headManifest({ repository, reference: v1 })).rejects.toMatchObject({
      name: 'UpstreamNotFound',
    });
  });
});

describe('redirects', () => {
  it('follows them without Authorization', async () => {
    const cdn = await upstream();
    const up = await upstream({ auth: 'token' });
    const digest = cdn.addBlob(Buffer.from('content'));
    up.on(/^GET .*blobs/, ({ req, res }, next) => {
      if (req.headers.authorization === undefined) return next();
      res.writeHead(307, { location: `${cdn.url}/v2/x/y/blobs/${digest}?signature=1` }).end();
    });
    const got = await client(up.url).getBlob({ repository, digest, range: { start: 1 } });
    expect((await readWhole(got.body, 100)).toString()).toBe('ontent');
    expect(cdn.requests).toHaveLength(1);
    expect(cdn.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('tells which server does not answer, and asks the one that led there for other things', async () => {
    const up = await upstream();
    const gone = await upstream();
    up.addImage(repository, 'v1', []);
    await gone.stop();
    up.on(
      /blobs/,
      redirect(({ url }) => `${gone.url}${url.pathname}`),
    );
    const it = client(up.url);
    const { host } = new URL(gone.url);
    await expect(it.getBlob({ repository, digest: unknownDigest('x') })).rejects.toMatchObject({
      name: 'UpstreamUnreachable',
      reason: `it redirects to ${host}: refuses connections`,
    });
    await it.headManifest({ repository, reference: v1 });
  });

  it('gives up in a circle', async () => {
    const up = await upstream();
    up.on(
      /blobs/,
      redirect(({ url }) => url.pathname),
    );
    await expect(client(up.url).getBlob({ repository, digest: unknownDigest('x') })).rejects.toThrow(
      /circle/,
    );
    expect(up.requests).toHaveLength(1);
    up.heal();
    up.on(
      /blobs/,
      redirect(({ url }) => `${url.pathname}?n=${Number(url.searchParams.get('n')) + 1}`),
    );
    await expect(client(up.url).getBlob({ repository, digest: unknownDigest('x') })).rejects.toThrow(
      /circle/,
    );
    expect(up.requests.length).toBeLessThan(12);
  });

  it('never leads from a public upstream to a private address', async () => {
    const secret = await upstream();
    const proxy = await upstream();
    proxy.on(
      /./,
      redirect(() => `${secret.url}/v2/x`),
    );
    const byName = client('http://registry.public.example', { proxies: { http: proxy.url } });
    await expect(byName.getBlob({ repository, digest: unknownDigest('x') })).rejects.toThrow(/private/);
    proxy.heal();
    proxy.on(
      /./,
      redirect(() => 'http://localhost/x'),
    );
    await expect(byName.getBlob({ repository, digest: unknownDigest('x') })).rejects.toThrow(/private/);
    expect(secret.requests).toEqual([]);
  });

  it('never fetch a token at a private address for a public server that a private upstream redirects to', async () => {
    const [up, secret, proxy] = [await upstream(), await upstream(), await upstream()];
    up.on(
      /./,
      redirect(() => 'http://cdn.public.example/blob'),
    );
    proxy.on(/./, answer(401, { 'www-authenticate': `Bearer realm="${secret.url}/token",service="s"` }));
    const it = client(up.url, { proxies: { http: proxy.url, no: '127.0.0.1' } });
    await expect(it.getBlob({ repository, digest: unknownDigest('x') })).rejects.toThrow(/private/);
    expect(secret.requests).toEqual([]);
  });
});
