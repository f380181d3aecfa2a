import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import type { Method } from '../support/api-client.ts';
import { EMPTY_CONFIG, pushImage, send, sendTarget } from '../support/api-client.ts';
import { createTestRegistry } from '../support/test-registry.ts';

/** "Error Codes" of the specification, and one of distribution's. */
const CODES = new Set([
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'SIZE_INVALID',
  'UNAUTHORIZED',
  'DENIED',
  'UNSUPPORTED',
  'TOOMANYREQUESTS',
  'PAGINATION_NUMBER_INVALID',
]);

const digest = digestOf(EMPTY_CONFIG);
const id = '00000000-0000-4000-8000-000000000000';

test.each([
  '/v2/nothing',
  '/v2/a/b/nothing',
  '/v2/a/tags',
  '/v2/a/tags/list/',
  '/v2/a/manifests/',
  '/v2/a/manifests',
  '/v2/tags/list',
  '/v2/a/referrers',
  '/v2/_catalog/',
  '/v2/a/blobs/',
  '/V2/',
  '/nothing',
])('%s is 404 with the JSON of the specification', async (path) => {
  const registry = createTestRegistry();
  const answer = await send(registry, `GET ${path as '/'}`);
  expect(answer.status).toBe(404);
  expect(answer.headers['content-type']).toBe('application/json');
  expect(answer.codes).toEqual(['UNSUPPORTED']);
  if (path.startsWith('/v2/')) {
    expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0');
  }
});

test.each([
  ['/v2/', 'POST', 'GET, HEAD'],
  ['/v2/_catalog', 'DELETE', 'GET, HEAD'],
  ['/v2/a/tags/list', 'PUT', 'GET, HEAD'],
  [`/v2/a/referrers/${digest}`, 'POST', 'GET, HEAD'],
  ['/v2/a/manifests/v1', 'PATCH', 'GET, HEAD, PUT, DELETE'],
  ['/v2/a/manifests/v1', 'OPTIONS', 'GET, HEAD, PUT, DELETE'],
  [`/v2/a/blobs/${digest}`, 'PUT', 'GET, HEAD, DELETE'],
  ['/v2/a/blobs/uploads/', 'GET', 'POST'],
  [`/v2/a/blobs/uploads/${id}`, 'POST', 'GET, PATCH, PUT, DELETE'],
] as const)('%s answers %s with 405 and Allow: %s', async (path, method, allow) => {
  const answer = await send(createTestRegistry(), `${method as Uppercase<Method>} ${path}`);
  expect(answer.status).toBe(405);
  expect(answer.headers.allow).toBe(allow);
  expect(answer.codes).toEqual(['UNSUPPORTED']);
});

test('a message tells a person what is wrong', async () => {
  const answer = await send(createTestRegistry(), 'GET /v2/Library/alpine/tags/list');
  expect(answer.json).toEqual({
    errors: [{ code: 'NAME_INVALID', message: expect.stringContaining('lower-case') }],
  });
});

describe('names', () => {
  const bad = [
    'A',
    '-a',
    'a-',
    'a..b',
    'a__',
    '_a',
    'a___b',
    'a/_b',
    'a/',
    '/a',
    'a//b',
    '.',
    'ü',
    'a b',
    'a%00',
    'a*',
    '%61%2f',
  ];
  test.each(bad)('%s is 400 NAME_INVALID everywhere', async (name) => {
    const registry = createTestRegistry();
    for (const [method, path] of [
      ['GET', 'tags/list'],
      ['GET', 'manifests/v1'],
      ['PUT', 'manifests/v1'],
      ['GET', `blobs/${digest}`],
      ['POST', 'blobs/uploads/'],
      ['PATCH', `blobs/uploads/${id}`],
      ['DELETE', `blobs/${digest}`],
      ['GET', `referrers/${digest}`],
    ] as const) {
      const target = `/v2/${encodeURI(decodeURIComponent(name)).replaceAll('\0', '%00')}/${path}`;
      const answer = await sendTarget(registry, { method, target });
      expect(answer.status, target).toBe(400);
      expect(answer.codes).toEqual(['NAME_INVALID']);
    }
  });

  test('of 255 characters are names, longer ones are NAME_INVALID', async () => {
    const registry = createTestRegistry();
    const longest = `${'a'.repeat(200)}/${'b'.repeat(54)}`;
    await pushImage(registry, { name: longest, reference: 'v1' });
    expect((await send(registry, `GET /v2/${longest}/tags/list`)).status).toBe(200);
    const answer = await send(registry, `GET /v2/${longest}b/tags/list`);
    expect(answer.codes).toEqual(['NAME_INVALID']);
    expect(answer.body.toString()).toContain('255');
  });

  test('that look like endpoints are names', async () => {
    const registry = createTestRegistry();
    for (const name of [
      'tags/list',
      'a/tags/list',
      'manifests',
      'a/manifests/b',
      'blobs/uploads',
      'a/blobs/uploads',
      'referrers/x',
      'v2',
      'v2/a',
      '0',
    ]) {
      const { digest: pushed } = await pushImage(registry, { name, reference: 'v1' });
      const answer = await send(registry, `GET /v2/${name}/manifests/v1`);
      expect(answer.headers['docker-content-digest'], name).toBe(pushed);
      expect((await send(registry, `GET /v2/${name}/tags/list`)).json).toEqual({ name, tags: ['v1'] });
    }
  });
});

describe('references', () => {
  test.each(['.x', '-x', 'x'.repeat(129), 'a%20b', 'a@b', '%C3%BC', '..', '%2e%2e', 'a%00', '*'])(
    'the tag %s is 400',
    async (tag) => {
      const registry = createTestRegistry();
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
        const answer = await sendTarget(registry, { method, target: `/v2/a/manifests/${tag}` });
        expect(answer.status, method).toBe(400);
      }
    },
  );

  test.each([
    'sha256:abc',
    'sha256:',
    'sha256',
    'md5:d41d8cd98f00b204e9800998ecf8427e',
    `sha256:${'g'.repeat(64)}`,
    `SHA256:${'a'.repeat(64)}`,
    `sha512:${'a'.repeat(64)}`,
    `sha256:${'a'.repeat(64)}%0a`,
  ])('the digest %s is 400 DIGEST_INVALID', async (bad) => {
    const registry = createTestRegistry();
    for (const target of [`/v2/a/blobs/${bad}`, `/v2/a/referrers/${bad}`]) {
      const answer = await sendTarget(registry, { method: 'GET', target });
      expect(answer.status, target).toBe(400);
      expect(answer.codes).toEqual(['DIGEST_INVALID']);
    }
  });
});

describe('ways out', () => {
  test.each([
    '/v2/../v2/',
    '/v2/a/../b/manifests/v1',
    '/v2/../../etc/passwd/manifests/v1',
    '/v2/a/manifests/../../../etc/passwd',
    '/v2/a%2fb/manifests/v1',
    '/v2/a%2Fb/tags/list',
    '/v2/a/manifests/v1%2f..%2f..',
    '/v2/..%2f..%2fetc/manifests/v1',
    '/v2/a%5cb/manifests/v1',
    '/v2/%2e%2e/%2e%2e/manifests/v1',
    '/v2/a/blobs/%2e%2e%2fdata',
    `/v2/a/blobs/sha256:..%2f${'a'.repeat(61)}`,
    '/v2/a/blobs/uploads/..%2f..%2f_manifests',
    '/v2/a/blobs/uploads/../../manifests/v1',
    '/v2/_layers/manifests/v1',
    '/v2/a/_manifests/tags/list',
    '/v2/a/%zz/manifests/v1',
    '/v2/%/manifests/v1',
    '/v2/a\\..\\b/manifests/v1',
    '//v2/a/manifests/v1',
    '/v2//a/manifests/v1',
    '/v2/a;x=y/manifests/v1',
    'http://[/v2/',
    '//a@[/v2/#',
    'http://other.example/v2/%2e%2e/manifests/v1',
  ])('%s is a 4xx in JSON, and touches nothing', async (target) => {
    const registry = createTestRegistry();
    await pushImage(registry, { name: 'a/b', reference: 'v1' });
    for (const method of ['GET', 'PUT', 'DELETE', 'POST', 'PATCH']) {
      const answer = await sendTarget(registry, { method, target });
      expect(answer.status, method).toBeGreaterThanOrEqual(400);
      expect(answer.status, method).toBeLessThan(500);
      expect(
        answer.codes.every((code) => CODES.has(code)) && answer.codes.length === 1,
        `${answer.body}`,
      ).toBe(true);
    }
    expect((await send(registry, 'GET /v2/_catalog')).json).toEqual({ repositories: ['a/b'] });
    expect(registry.log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('the absolute form of a target is its path', async () => {
    const answer = await sendTarget(createTestRegistry(), {
      method: 'GET',
      target: 'http://any.example/v2/',
    });
    expect(answer.status).toBe(200);
  });
});

test('http.headers stand on errors too, and what a success says of its content does not', async () => {
  const registry = createTestRegistry({ headers: { 'X-Content-Type-Options': ['nosniff'] } });
  const answer = await send(registry, `GET /v2/a/blobs/${digest}`);
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  for (const name of ['etag', 'cache-control', 'accept-ranges', 'docker-content-digest', 'location']) {
    expect(answer.headers[name], name).toBeUndefined();
  }
});
