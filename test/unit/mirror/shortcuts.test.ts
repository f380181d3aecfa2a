import { describe, expect, it } from 'vitest';
import type { BlobAnswer } from '../../../src/mirror/upstream/blob-requests.ts';
import { readWhole } from '../../../src/mirror/upstream/response-body.ts';
import type { Shortcut } from '../../../src/mirror/upstream/shortcut.ts';
import type { UpstreamClient } from '../../../src/mirror/upstream/upstream-client.ts';
import type { UpstreamClientOptions } from '../../../src/mirror/upstream/upstream-options.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { clientBench } from '../../support/upstream/client-bench.ts';
import { answer, hangUp, redirect, send, silence } from '../../support/upstream/faults.ts';
import type {
  Exchange,
  ScriptedUpstream,
  ScriptedUpstreamOptions,
} from '../../support/upstream/scripted-upstream.ts';

const { upstream, client } = clientBench();
const repository = 'team/app';
const content = Buffer.from('0123456789');
const range = { start: 3, end: 5 };
const blobs = /^GET .*blobs/;
const unauthorized = ({ req }: Exchange) => req.headers.authorization === undefined;
/** Milliseconds. */
const impatient = { timeouts: { connect: 20_000, firstByte: 300, stall: 20_000 } };

function leadTo(up: ScriptedUpstream, storage: ScriptedUpstream): void {
  up.on(
    blobs,
    redirect(({ url }) => `${storage.url}${url.pathname}?signature=1`),
  );
}

/** A registry that keeps its blobs at a storage host, and what the first part of one told. */
async function redirected(
  options: Partial<UpstreamClientOptions> = {},
  registry: ScriptedUpstreamOptions = {},
) {
  const [up, storage] = [await upstream(registry), await upstream()];
  const digest = storage.addBlob(content);
  leadTo(up, storage);
  // A registry that wants a token says so first.
  if (registry.auth === 'token') up.on(unauthorized, (_, next) => next());
  const it = client(up.url, options);
  const first = await part(it, { digest, shortcut: undefined });
  if (first.shortcut === undefined) throw new Error('was not redirected');
  up.requests.length = 0;
  storage.requests.length = 0;
  return { up, storage, digest, it, shortcut: first.shortcut };
}

async function part(
  it: UpstreamClient,
  asked: { digest: Digest; shortcut: Shortcut | undefined; signal?: AbortSignal },
): Promise<BlobAnswer> {
  const [url] = it.urls;
  if (url === undefined) throw new Error('has no URL');
  const got = await it.getBlobFrom(url, { repository, range, ...asked });
  expect(got.from).toBe(url);
  expect(got.carried).toEqual({ ...range, total: content.length });
  expect((await readWhole(got.body, 100)).toString()).toBe('345');
  return got;
}

describe('the parts of a blob that a registry redirects', () => {
  it('are asked for where the first was redirected to, without Authorization', async () => {
    const { up, storage, digest, it, shortcut } = await redirected({}, { auth: 'token' });
    for (let n = 0; n < 3; n++) expect((await part(it, { digest, shortcut })).shortcut).toBe(shortcut);
    expect(up.requests).toEqual([]);
    expect(storage.count(/signature=1/)).toBe(3);
    expect(storage.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it.each([
    ['answers 400', answer(400)],
    ['answers 401', answer(401, { 'www-authenticate': 'Bearer realm="http://127.0.0.1:1/token"' })],
    ['answers 403', answer(403)],
    ['answers 404', answer(404)],
    ['answers 410', answer(410)],
    ['answers 416', answer(416)],
    ['answers 429', answer(429, { 'retry-after': '60' })],
    ['answers 500', answer(500)],
    ['answers 503', answer(503)],
    ['does not answer', silence],
    ['sends a page', send(200, '<html>expired</html>')],
    ['sends another range', send(206, '123', { 'content-range': 'bytes 1-3/10' })],
    ['sends another blob', send(206, '345', { 'content-range': 'bytes 3-5/11' })],
    [
      'sends it compressed',
      send(206, '345', { 'content-range': 'bytes 3-5/10', 'content-encoding': 'gzip' }),
    ],
    ['leads in a circle', redirect(({ url }) => `${url.pathname}${url.search}`)],
  ])('are asked for at the registry when the storage host %s', async (_, fault) => {
    const { up, storage, digest, it, shortcut } = await redirected(fault === silence ? impatient : {});
    storage.on(blobs, fault, 1);
    const again = await part(it, { digest, shortcut });
    expect(up.requests).toHaveLength(1);
    expect(storage.requests).toHaveLength(2);
    expect(again.shortcut).toBeDefined();
    expect(again.shortcut).not.toBe(shortcut);
    expect(it.urls[0]?.troubled).toBe(false);
    expect(it.unavailable('blob')).toBeUndefined();
  });

  it('are asked for at the registry when the storage host is gone', async () => {
    const { up, storage, digest, it, shortcut } = await redirected();
    const moved = await upstream();
    moved.addBlob(content);
    await storage.stop();
    leadTo(up, moved);
    await part(it, { digest, shortcut });
    expect(up.requests).toHaveLength(1);
    expect(it.urls[0]?.troubled).toBe(false);
  });

  it('are asked for at the storage host again when it only closed an idle connection', async () => {
    const { up, storage, digest, it, shortcut } = await redirected();
    storage.on(blobs, hangUp, 1);
    await part(it, { digest, shortcut });
    expect(up.requests).toEqual([]);
  });

  it('are asked for at the registry after a minute', async () => {
    let now = 1_000_000;
    const { up, digest, it, shortcut } = await redirected({ now: () => now });
    now += 59_999;
    await part(it, { digest, shortcut });
    expect(up.requests).toEqual([]);
    now += 1;
    const again = await part(it, { digest, shortcut });
    expect(up.requests).toHaveLength(1);
    expect(again.shortcut?.until).toBe(now + 60_000);
  });

  it('follow a further redirect, and are good for no longer by it', async () => {
    const { up, storage, digest, it, shortcut } = await redirected();
    const moved = await upstream();
    moved.addBlob(content);
    leadTo(storage, moved);
    expect((await part(it, { digest, shortcut })).shortcut).toBe(shortcut);
    expect(up.requests).toEqual([]);
    expect(moved.requests).toHaveLength(1);
  });

  it('are not asked for anywhere while the registry wants to be left alone', async () => {
    const { up, storage, digest, it, shortcut } = await redirected();
    up.on(blobs, answer(429, { 'retry-after': '60' }), 1);
    await expect(part(it, { digest, shortcut: undefined })).rejects.toMatchObject({ retryAfter: 60 });
    await expect(part(it, { digest, shortcut })).rejects.toMatchObject({ name: 'UpstreamLimited' });
    expect(storage.requests).toEqual([]);
  });

  it('are given up when whoever asked gives up', async () => {
    const { up, storage, digest, it, shortcut } = await redirected();
    const abort = new AbortController();
    storage.on(blobs, () => abort.abort(new Error('enough')));
    await expect(part(it, { digest, shortcut, signal: abort.signal })).rejects.toThrow('enough');
    expect(up.requests).toEqual([]);
  });
});

describe('a shortcut is not taken', () => {
  it('where nothing is redirected, and where the answer was for somebody', async () => {
    const plain = await upstream({ auth: 'token' });
    const digest = plain.addBlob(content);
    expect((await part(client(plain.url), { digest, shortcut: undefined })).shortcut).toBeUndefined();
    const other = await upstream();
    leadTo(other, plain);
    const got = await part(client(other.url), { digest, shortcut: undefined });
    expect(plain.requests.at(-1)?.headers.authorization).toBeDefined();
    expect(got.shortcut).toBeUndefined();
  });

  it('from a storage host that ignores ranges', async () => {
    const [up, storage] = [await upstream(), await upstream()];
    const digest = storage.addBlob(content);
    leadTo(up, storage);
    storage.on(blobs, send(200, content, { 'content-length': String(content.length) }));
    const got = await client(up.url).getBlob({ repository, digest, range });
    got.body.abort();
    expect(got.shortcut).toBeUndefined();
  });

  it('to a private address from a public upstream, nor by way of another', async () => {
    const [secret, storage, proxy] = [await upstream(), await upstream(), await upstream()];
    const digest = storage.addBlob(content);
    secret.addBlob(content);
    proxy.addBlob(content);
    const it = client('http://registry.public.example', {
      proxies: { http: proxy.url, no: '127.0.0.1' },
    });
    const asked = (host: string) => proxy.requests.filter(({ headers }) => headers.host === host).length;
    proxy.on(
      ({ req }) => req.headers.host === 'registry.public.example',
      redirect(({ url }) => `http://storage.public.example${url.pathname}`),
    );
    const { shortcut } = await part(it, { digest, shortcut: undefined });
    if (shortcut === undefined) throw new Error('was not redirected');
    expect(shortcut.publicOnly).toBe(true);
    await part(it, { digest, shortcut });
    expect(asked('registry.public.example')).toBe(1);
    expect(asked('storage.public.example')).toBe(2);

    const inside = { ...shortcut, url: new URL(`${secret.url}/v2/x/blobs/${digest}`) };
    await part(it, { digest, shortcut: inside });
    expect(asked('registry.public.example')).toBe(2);
    proxy.on(
      ({ req }) => req.headers.host === 'storage.public.example',
      redirect(({ url }) => `${secret.url}${url.pathname}`),
      1,
    );
    await part(it, { digest, shortcut });
    expect(asked('registry.public.example')).toBe(3);
    expect(secret.requests).toEqual([]);
  });
});
