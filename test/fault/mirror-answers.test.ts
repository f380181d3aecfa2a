import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { DOCKER_SCHEMA1_SIGNED, OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from '../../src/oci/media-types.ts';
import { freePort } from '../support/free-port.ts';
import type { RegistryServer } from '../support/registry-server.ts';
import { makeScratch } from '../support/scratch.ts';
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed.ts';
import { pull, startFaultMirror } from '../support/upstream/fault-mirror.ts';
import { answer, bend, cutAfter, hangUp, redirect, send, silence } from '../support/upstream/faults.ts';
import { type Fault, ScriptedUpstream, unknownDigest } from '../support/upstream/scripted-upstream.ts';
import { signedSchema1 } from '../support/upstream/signed-schema1.ts';

/*
 * What an upstream can answer, or not answer, to a request for a manifest. What stored tags do then, and how limits
 * and breakers go by the clock: test/api/mirror and test/unit/mirror/upstream-client.
 */

const REPOSITORY = 'team/app';
const held = new AsyncDisposableStack();
let plain: ScriptedUpstream;
let guarded: ScriptedUpstream;
let tls: ScriptedUpstream;
let old: ScriptedUpstream;
/** Stands for the way to the Internet, and for what is there. */
let internet: ScriptedUpstream;
let mirror: RegistryServer;

beforeAll(async () => {
  const scratch = held.use(makeScratch());
  plain = held.use(await ScriptedUpstream.start());
  guarded = held.use(await ScriptedUpstream.start({ auth: 'token' }));
  tls = held.use(await ScriptedUpstream.start({ tls: true }));
  old = held.use(await ScriptedUpstream.start({ referrers: false }));
  internet = held.use(await ScriptedUpstream.start());
  writeFileSync(scratch.at('ca.pem'), SELF_SIGNED_CERTIFICATE);
  const upstreams = [
    { name: 'plain.example', urls: [plain.url], tagttl: '0s' },
    { name: 'guarded.example', urls: [guarded.url] },
    { name: 'old.example', urls: [old.url] },
    { name: 'trusted.example', urls: [tls.url], ca: scratch.at('ca.pem') },
    { name: 'any.example', urls: [tls.url], insecure: true },
    { name: 'unknown.example', urls: [tls.url] },
    { name: 'nameless.example', urls: ['http://registry.nowhere.invalid'] },
    { name: 'refusing.example', urls: [`http://127.0.0.1:${await freePort()}`] },
    { name: 'public.example', urls: ['http://registry.public.example'] },
  ];
  // What is on the Internet is reached through a proxy, so that none of it need be real.
  const env = { HTTP_PROXY: internet.url, NO_PROXY: '127.0.0.1,.invalid' };
  mirror = held.use(await startFaultMirror({ directory: scratch.path, upstreams, env }));
});
afterAll(() => held.disposeAsync());

const manifest = (upstream: string, reference: string, repository = REPOSITORY) =>
  pull(mirror.url, `/v2/${upstream}/${repository}/manifests/${reference}`);

/** An image of its own for each test: of every digest there is one. */
let images = 0;
const fresh = (upstream = plain): { tag: string; digest: Digest } => {
  const tag = `v${++images}`;
  return { tag, digest: upstream.addImage(REPOSITORY, tag, [Buffer.from(`layer ${images}`)]) };
};

async function expectServed(upstream: string, reference: string, digest: Digest): Promise<void> {
  await expect
    .poll(async () => (await manifest(upstream, reference)).digest, { timeout: 20_000, interval: 250 })
    .toBe(digest);
}

describe('a manifest', () => {
  beforeEach(async () => {
    plain.heal();
    const { tag, digest } = fresh();
    await expectServed('plain.example', tag, digest);
  });

  const other = JSON.stringify({ schemaVersion: 2, mediaType: OCI_IMAGE_MANIFEST, layers: [] });
  const otherDigest = {
    'content-type': OCI_IMAGE_MANIFEST,
    'docker-content-digest': unknownDigest('other'),
  };
  const WRONG: readonly [string, Fault, number][] = [
    ['of another digest than it says', send(200, other, otherDigest), 502],
    ['with one bit wrong', bend((body, res) => void res.end(flipped(body))), 502],
    [
      'with its end missing',
      bend((body, res) => void res.end(Buffer.alloc(body.length, body.subarray(0, -9)))),
      502,
    ],
    ['that is a page', send(200, '<html>sign in</html>', { 'content-type': 'text/html' }), 502],
    ['longer than can be', ({ res }) => void res.writeHead(200).end(Buffer.alloc(9_000_000, ' ')), 502],
    ['that is cut', cutAfter(10), 502],
    ['that never comes', silence, 504],
    ['hung up on', hangUp, 502],
    ['refused by 500', answer(500), 502],
    ['refused by 400', answer(400), 502],
    ['limited', answer(429, { 'retry-after': '1' }), 429],
    ['limited for no told time', answer(429), 429],
    ['behind a circle of redirects', redirect(({ url }) => url.pathname), 502],
    ['behind a redirect to nowhere', redirect(() => 'ftp://127.0.0.1/x'), 502],
    ['that asks for credentials', answer(401, { 'www-authenticate': 'Basic realm="x"' }), 502],
    ['that is not there', answer(404), 404],
  ];

  test.each(WRONG)(
    '%s is refused by tag and digest, kept nowhere, and served when it is right',
    async (_, fault, status) => {
      const { tag, digest } = fresh();
      plain.on(/GET .*manifests/, fault);
      for (const reference of [digest, tag]) {
        const got = await manifest('plain.example', reference);
        // Whoever asks again too soon is told the same without a request.
        expect(got.status).toBe(status);
        expect(got.headers['www-authenticate']).toBeUndefined();
        expect(JSON.parse(got.text).errors).toHaveLength(1);
        if (status === 429) expect(Number(got.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      }
      plain.heal();
      await expectServed('plain.example', digest, digest);
      await expectServed('plain.example', tag, digest);
    },
  );

  test('is asked for once more, and no more, than what a 429 lets through', async () => {
    const { tag } = fresh();
    plain.on(/manifests/, answer(429, { 'retry-after': '60' }));
    const before = plain.requests.length;
    for (let n = 0; n < 5; n++) expect((await manifest('plain.example', tag)).status).toBe(429);
    expect(plain.requests.length).toBe(before + 1);
  });
});

test('a signed manifest of schema 1 is served byte for byte under the digest of its payload, again with the upstream gone', async () => {
  const { content, digest } = signedSchema1(REPOSITORY);
  const type = { 'content-type': DOCKER_SCHEMA1_SIGNED };
  old.on(/manifests\/old/, send(200, content, { ...type, 'docker-content-digest': digest }));
  old.on(new RegExp(`manifests/${digest}`), send(200, content, { ...type, 'docker-content-digest': digest }));
  for (const reference of ['old', digest, digest]) {
    const got = await manifest('old.example', reference);
    expect(got).toMatchObject({ status: 200, text: content });
    expect(got.headers).toMatchObject({ ...type, 'docker-content-digest': digest });
    old.on(/manifests/, hangUp);
  }
  old.heal();
});

test('referrers come from the fallback tag of an upstream that has no API for them', async () => {
  const { digest } = fresh(old);
  const descriptor = { mediaType: OCI_IMAGE_MANIFEST, digest: digestOf(Buffer.from('sbom')), size: 4 };
  const index = { schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests: [descriptor] };
  old.addManifest(REPOSITORY, JSON.stringify(index), {
    mediaType: OCI_IMAGE_INDEX,
    tag: digest.replace(':', '-'),
  });
  const got = await pull(mirror.url, `/v2/old.example/${REPOSITORY}/referrers/${digest}`);
  expect(got.status).toBe(200);
  expect(JSON.parse(got.text).manifests).toEqual([descriptor]);
  const none = await pull(mirror.url, `/v2/old.example/${REPOSITORY}/referrers/${unknownDigest('nobody')}`);
  expect(JSON.parse(none.text).manifests).toEqual([]);
});

test('a repository that does not exist is 404, though the upstream says 401 to a good token', async () => {
  const { tag, digest } = fresh(guarded);
  guarded.on(/missing/, ({ res, url }) => {
    const scope = 'repository:team/missing:pull';
    const challenge = `Bearer realm="${url.origin}/token",service="upstream",scope="${scope}",error="insufficient_scope"`;
    res.writeHead(401, { 'www-authenticate': challenge }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
  });
  const got = await manifest('guarded.example', 'v1', 'team/missing');
  expect(got.status).toBe(404);
  expect(got.text).toContain('MANIFEST_UNKNOWN');
  expect((await manifest('guarded.example', tag)).digest).toBe(digest);
});

test.each([
  ['trusted.example', 'whose certificate is signed by the given one', 200],
  ['any.example', 'whose certificate nobody has to trust', 200],
  ['unknown.example', 'whose certificate nobody signed', 502],
  ['nameless.example', 'whose name is nowhere', 502],
  ['refusing.example', 'that refuses connections', 502],
])('%s, an upstream %s, is %d', async (name, _, status) => {
  const { tag, digest } = fresh(tls);
  const got = await manifest(name, tag);
  expect(got.status).toBe(status);
  if (status === 200) {
    expect(got.digest).toBe(digest);
    const layer = digestOf(Buffer.from(`layer ${images}`));
    expect((await pull(mirror.url, `/v2/${name}/${REPOSITORY}/blobs/${layer}`)).digest).toBe(layer);
  } else {
    expect(got.text).toContain('UNAVAILABLE');
    // Clients ask by HEAD before they push beside it.
    const blob = `${mirror.url}/v2/${name}/${REPOSITORY}/blobs/${digest}`;
    for (const method of ['GET', 'HEAD']) expect((await fetch(blob, { method })).status, method).toBe(502);
  }
});

test('a public upstream cannot lead to what is private', async () => {
  const { tag, digest } = fresh(internet);
  expect((await manifest('public.example', tag)).digest).toBe(digest);
  const secret = fresh(plain);
  const before = plain.requests.length;
  for (const location of [
    plain.url,
    plain.url.replace('127.0.0.1', 'localhost'),
    'http://[::1]:5000',
    'http://10.0.0.1',
  ]) {
    const { digest: asked } = secret;
    internet.on(
      /GET .*(?:manifests|blobs)/,
      redirect(({ url }) => `${location}${url.pathname}`),
    );
    const got = await manifest('public.example', asked);
    expect(got.status).toBe(502);
    const blob = await pull(mirror.url, `/v2/public.example/${REPOSITORY}/blobs/${asked}`);
    expect(blob.status).toBe(502);
    internet.heal();
  }
  expect(plain.requests.length).toBe(before);
  expect((await manifest('public.example', tag)).digest).toBe(digest);
});

function flipped(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  copy[20] = (copy[20] ?? 0) ^ 1;
  return copy;
}
