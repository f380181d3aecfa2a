import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { parseTag } from '../../src/oci/reference.ts';
import { parseRepositoryName } from '../../src/oci/repository-name.ts';
import { EMPTY_CONFIG, imageManifest, send } from '../support/api-client.ts';
import { createTestRegistry, type TestRegistry, type TestRegistryOptions } from '../support/test-registry.ts';

const digest = digestOf(EMPTY_CONFIG);

/** What stands before `/v2/` in the Location of a session, a blob, a mount and a manifest, and in Link. */
async function prefixes(
  registry: TestRegistry,
  { headers = {}, at = '' }: { headers?: Record<string, string>; at?: string },
): Promise<Set<string>> {
  const found: (string | undefined)[] = [];
  const session = await send(registry, `POST ${at}/v2/a/blobs/uploads/`, { headers });
  found.push(session.headers.location);
  const path = `${at}/v2/${session.headers.location?.split('/v2/')[1]}`;
  found.push((await send(registry, `GET ${path}`, { headers })).headers.location);
  found.push((await send(registry, `PATCH ${path}`, { headers, body: EMPTY_CONFIG })).headers.location);
  found.push((await send(registry, `PUT ${path}?digest=${digest}`, { headers })).headers.location);
  found.push(
    (await send(registry, `POST ${at}/v2/b/blobs/uploads/?mount=${digest}&from=a`, { headers })).headers
      .location,
  );
  const typed = { ...headers, 'content-type': 'application/vnd.oci.image.manifest.v1+json' };
  found.push(
    (await send(registry, `PUT ${at}/v2/a/manifests/v1`, { headers: typed, body: imageManifest() })).headers
      .location,
  );
  return new Set(found.map((location) => location?.split('/v2/')[0] ?? 'none'));
}

const cases: readonly [
  string,
  TestRegistryOptions,
  { headers?: Record<string, string>; at?: string },
  string,
][] = [
  ['Host', {}, { headers: { host: 'registry.example:5000' } }, 'http://registry.example:5000'],
  [
    'X-Forwarded-Proto',
    {},
    { headers: { host: 'r.example', 'x-forwarded-proto': 'https' } },
    'https://r.example',
  ],
  [
    'X-Forwarded-Host',
    {},
    { headers: { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'out.example' } },
    'https://out.example',
  ],
  [
    'the first of several proxies',
    {},
    { headers: { 'x-forwarded-proto': 'https, http', 'x-forwarded-host': 'out.example, in.example' } },
    'https://out.example',
  ],
  [
    'X-Forwarded-Port',
    {},
    { headers: { host: 'r.example', 'x-forwarded-proto': 'https', 'x-forwarded-port': '8443' } },
    'https://r.example:8443',
  ],
  [
    'X-Forwarded-Prefix',
    {},
    { headers: { host: 'r.example', 'x-forwarded-prefix': '/registry/' } },
    'http://r.example/registry',
  ],
  [
    'Forwarded',
    {},
    { headers: { forwarded: 'for=1.2.3.4;proto=https;host="out.example:444", for=5.6.7.8;host=in' } },
    'https://out.example:444',
  ],
  [
    'http.host',
    { host: 'https://fixed.example' },
    { headers: { 'x-forwarded-host': 'other.example' } },
    'https://fixed.example',
  ],
  [
    'http.prefix',
    { prefix: '/below' },
    { headers: { host: 'r.example' }, at: '/below' },
    'http://r.example/below',
  ],
  [
    'http.relativeurls',
    { settings: { relativeUrls: true } },
    { headers: { 'x-forwarded-host': 'out.example' } },
    '',
  ],
  [
    'http.relativeurls and http.prefix',
    { settings: { relativeUrls: true }, prefix: '/below' },
    { at: '/below' },
    '/below',
  ],
];

test.each(cases)('Location follows %s', async (_, options, request, expected) => {
  expect(await prefixes(createTestRegistry(options), request)).toEqual(new Set([expected]));
});

test.each([
  { 'x-forwarded-host': 'evil.example/path' },
  { 'x-forwarded-host': 'a b' },
  { 'x-forwarded-proto': 'javascript' },
  { 'x-forwarded-port': '99999999' },
  { 'x-forwarded-prefix': '/../..' },
  { 'x-forwarded-prefix': '//evil.example' },
  { forwarded: 'host="evil.example/path";proto=gopher' },
])('what is no host, scheme, port or path in %j is ignored', async (headers) => {
  const answer = await send(createTestRegistry(), 'POST /v2/a/blobs/uploads/', {
    headers: { host: 'r.example', ...headers },
  });
  expect(answer.headers.location).toMatch(/^http:\/\/r\.example\/v2\/a\/blobs\/uploads\/[0-9a-f-]{36}$/);
});

test('Link is relative, below what a proxy or http.prefix stands before', async () => {
  const registry = createTestRegistry();
  for (const name of ['a', 'b'])
    await registry.storage.tags.write(parseRepositoryName(name), parseTag('v1'), digest);
  const headers = { 'x-forwarded-prefix': '/registry' };
  const answer = await send(registry, 'GET /v2/_catalog?n=1', { headers });
  expect(answer.headers.link).toBe('</registry/v2/_catalog?n=1&last=a>; rel="next"');
});

test('with http.prefix nothing is outside of it', async () => {
  const registry = createTestRegistry({ prefix: '/below' });
  expect((await send(registry, 'GET /below/v2/')).status).toBe(200);
  for (const path of ['/v2/', '/belowv2/', '/below', '/']) {
    expect((await send(registry, `GET ${path}`)).status, path).toBe(404);
  }
});
