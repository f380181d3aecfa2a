import { afterEach, expect, it } from 'vitest';
import { readWhole } from '../../../src/mirror/upstream/response-body.ts';
import { UpstreamClient } from '../../../src/mirror/upstream/upstream-client.ts';
import type { OutgoingProxies } from '../../../src/mirror/upstream/upstream-options.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { SELF_SIGNED_CERTIFICATE } from '../../support/self-signed.ts';
import { ForwardProxy } from '../../support/upstream/forward-proxy.ts';
import { ScriptedUpstream } from '../../support/upstream/scripted-upstream.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

const repository = 'team/app';
const content = Buffer.alloc(300_000, 'layer');

/** An upstream that can be had by its public name through the proxy alone. */
async function start(tls: boolean) {
  const upstream = await ScriptedUpstream.start({ tls, auth: tls ? 'none' : 'token' });
  const manifest = upstream.addImage(repository, 'v1', [content]);
  const layer = upstream.addBlob(content);
  const proxy = await ForwardProxy.start({ port: Number(new URL(upstream.url).port) });
  open.push(upstream, proxy);
  return { upstream, proxy, manifest, layer };
}

function client(url: string, proxies: OutgoingProxies): UpstreamClient {
  const made = new UpstreamClient({ name: 'up', urls: [url], ca: SELF_SIGNED_CERTIFICATE, proxies });
  open.push({ [Symbol.asyncDispose]: () => made.close() });
  return made;
}

it('goes out through HTTP_PROXY with what is not encrypted, tokens too', async () => {
  const { proxy, upstream, manifest, layer } = await start(false);
  const it = client(upstream.url, { http: `http://${proxy.host}`, https: 'http://127.0.0.1:1' });
  const got = await it.getManifest({ repository, reference: parseReference('v1') });
  expect(got.digest).toBe(manifest);
  const blob = await it.getBlob({ repository, digest: layer });
  expect((await readWhole(blob.body, 1e6)).equals(content)).toBe(true);
  expect(proxy.asked.length).toBe(upstream.requests.length);
  expect(proxy.asked[0]).toBe(`GET ${upstream.url}/v2/${repository}/manifests/v1`);
  expect(proxy.asked.some((asked) => asked.startsWith(`GET ${upstream.url}/token?`))).toBe(true);
});

it('goes out through HTTPS_PROXY by CONNECT with what is encrypted, with the proxy’s own login', async () => {
  const { proxy, upstream, manifest, layer } = await start(true);
  const proxies = { https: `http://me:secret@${proxy.host}`, http: 'http://127.0.0.1:1' };
  const it = client(upstream.url.replace('127.0.0.1', 'registry.public.example'), proxies);
  const got = await it.getManifest({ repository, reference: parseReference('v1') });
  expect(got.digest).toBe(manifest);
  const blob = await it.getBlob({ repository, digest: layer });
  expect((await readWhole(blob.body, 1e6)).equals(content)).toBe(true);
  const { port } = new URL(upstream.url);
  expect(proxy.asked).toContain(`CONNECT registry.public.example:${port}`);
  expect(upstream.requests.map(({ headers }) => headers['proxy-authorization'])).toEqual([
    undefined,
    undefined,
  ]);
  expect(new Set(proxy.authorizations)).toEqual(new Set([`Basic ${btoa('me:secret')}`]));
});

it.each(['127.0.0.1', '127.0.0.0/8', '10.0.0.0/8,127.0.0.1/32', '*'])(
  'goes out directly to what NO_PROXY=%s names',
  async (no) => {
    const { proxy, upstream, manifest } = await start(false);
    const it = client(upstream.url, { http: `http://${proxy.host}`, no });
    const got = await it.getManifest({ repository, reference: parseReference('v1') });
    expect(got.digest).toBe(manifest);
    expect(proxy.asked).toEqual([]);
  },
);

it('does not go out past a proxy that cannot be reached', async () => {
  const { upstream } = await start(false);
  for (const proxies of [{ http: 'http://127.0.0.1:1' }, { http: 'http://127.0.0.1:1', no: '10.0.0.0/8' }]) {
    const it = client(upstream.url, proxies);
    await expect(it.getManifest({ repository, reference: parseReference('v1') })).rejects.toMatchObject({
      name: 'UpstreamUnreachable',
      message: expect.stringContaining('refuses connections'),
    });
  }
  expect(upstream.requests).toEqual([]);
});
