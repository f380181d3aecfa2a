import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { DOCKER_MANIFEST, OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from '../../src/oci/media-types.ts';
import {
  EMPTY_CONFIG,
  imageManifest,
  pushBlob,
  pushImage,
  putManifest,
  send,
} from '../support/api-client.ts';
import { createTestRegistry } from '../support/test-registry.ts';

const absent = digestOf(Buffer.from('nobody pushed this'));

test('end-3: GET by tag and by digest answers 200 with the bytes as they were pushed', async () => {
  const registry = createTestRegistry();
  const { digest, content } = await pushImage(registry, { name: 'a/b', reference: 'v1' });
  for (const reference of ['v1', digest, encodeURIComponent(digest)]) {
    const answer = await send(registry, `GET /v2/a/b/manifests/${reference}`);
    expect(answer.status).toBe(200);
    expect(answer.body.equals(content)).toBe(true);
    expect(answer.headers).toMatchObject({
      'docker-content-digest': digest,
      'content-type': OCI_IMAGE_MANIFEST,
      'content-length': String(content.length),
      etag: `"${digest}"`,
    });
  }
});

test('end-3: HEAD answers as GET, without content', async () => {
  const registry = createTestRegistry();
  await pushImage(registry, { name: 'a/b', reference: 'v1' });
  const head = await send(registry, 'HEAD /v2/a/b/manifests/v1');
  const get = await send(registry, 'GET /v2/a/b/manifests/v1');
  expect(head.status).toBe(200);
  for (const name of ['docker-content-digest', 'content-length', 'content-type', 'etag']) {
    expect(head.headers[name], name).toBe(get.headers[name]);
  }
});

test('end-3: what is asked by digest may be cached for ever, what a tag leads to may not', async () => {
  const registry = createTestRegistry();
  const { digest } = await pushImage(registry, { name: 'a/b', reference: 'v1' });
  const byDigest = await send(registry, `GET /v2/a/b/manifests/${digest}`);
  const byTag = await send(registry, 'GET /v2/a/b/manifests/v1');
  expect(byDigest.headers['cache-control']).toBe('max-age=31536000, immutable');
  expect(byTag.headers['cache-control'] ?? '').not.toMatch(/immutable|max-age/);
});

test('end-3: If-None-Match answers 304 while the tag stays, 200 when it moved', async () => {
  const registry = createTestRegistry();
  const { digest } = await pushImage(registry, { name: 'a/b', reference: 'v1' });
  const headers = { 'if-none-match': `"${digest}"` };
  expect((await send(registry, 'GET /v2/a/b/manifests/v1', { headers })).status).toBe(304);
  await pushImage(registry, { name: 'a/b', reference: 'v1', fields: { annotations: { moved: 'yes' } } });
  expect((await send(registry, 'GET /v2/a/b/manifests/v1', { headers })).status).toBe(200);
});

test.each([
  ['no mediaType', { mediaType: undefined }, OCI_IMAGE_MANIFEST],
  ['the type of Docker schema 2', { mediaType: DOCKER_MANIFEST }, DOCKER_MANIFEST],
  ['a type of its own', { mediaType: 'application/vnd.example+json' }, 'application/vnd.example+json'],
])('end-3: a manifest with %s comes back under the type it was pushed with', async (_, fields, expected) => {
  const registry = createTestRegistry();
  await pushBlob(registry, { name: 'a', content: EMPTY_CONFIG });
  expect((await putManifest(registry, 'a/manifests/v1', imageManifest(fields))).status).toBe(201);
  expect((await send(registry, 'GET /v2/a/manifests/v1')).headers['content-type']).toBe(expected);
});

test('end-3: an index without mediaType comes back as an index', async () => {
  const registry = createTestRegistry();
  const content = JSON.stringify({ schemaVersion: 2, manifests: [] });
  const headers = { 'content-type': OCI_IMAGE_INDEX };
  expect((await send(registry, 'PUT /v2/a/manifests/v1', { headers, body: content })).status).toBe(201);
  expect((await send(registry, 'GET /v2/a/manifests/v1')).headers['content-type']).toBe(OCI_IMAGE_INDEX);
});

test('end-3: a repository that does not exist, a tag and a digest that do not are 404', async () => {
  const registry = createTestRegistry();
  const { digest } = await pushImage(registry, { name: 'a/b', reference: 'v1' });
  for (const path of [
    'none/manifests/v1',
    'a/b/manifests/v2',
    `a/b/manifests/${absent}`,
    `a/manifests/${digest}`,
  ]) {
    const answer = await send(registry, `GET /v2/${path}`);
    expect(answer.status, path).toBe(404);
    expect(answer.codes).toEqual(['MANIFEST_UNKNOWN']);
    expect((await send(registry, `HEAD /v2/${path}`)).status).toBe(404);
  }
});

test('end-3: a blob is no manifest, and a manifest is no blob', async () => {
  const registry = createTestRegistry();
  const { digest } = await pushImage(registry, { name: 'a', reference: 'v1' });
  expect((await send(registry, `GET /v2/a/manifests/${digestOf(EMPTY_CONFIG)}`)).status).toBe(404);
  expect((await send(registry, `GET /v2/a/blobs/${digest}`)).status).toBe(404);
});

test('ns: goes back as OCI-Namespace where it is a host name, and is 400 where it is not', async () => {
  const registry = createTestRegistry();
  const { digest } = await pushImage(registry, { name: 'a/b', reference: 'v1' });
  for (const path of [
    'manifests/v1',
    `manifests/${digest}`,
    `blobs/${digestOf(EMPTY_CONFIG)}`,
    'tags/list',
  ]) {
    const answer = await send(registry, `GET /v2/a/b/${path}?ns=registry.example:5000`);
    expect(answer.status, path).toBe(200);
    expect(answer.headers['oci-namespace'], path).toBe('registry.example:5000');
  }
  for (const ns of ['a%0d%0ab', '%F0%9F%98%80', '%ff', 'a/b', 'x'.repeat(300)]) {
    const answer = await send(registry, `GET /v2/a/b/manifests/v1?ns=${ns}`);
    expect(answer.status, ns).toBe(400);
    expect(answer.codes).toEqual(['NAME_INVALID']);
  }
  expect((await send(registry, 'GET /v2/a/b/manifests/v1?ns=')).headers['oci-namespace']).toBeUndefined();
});

test('end-3: a manifest that calls itself a page runs in no browser', async () => {
  const registry = createTestRegistry();
  const page = JSON.stringify({ schemaVersion: 2, mediaType: 'text/html', annotations: { a: '<script>' } });
  expect((await putManifest(registry, 'a/b/manifests/page', page)).status).toBe(201);
  await pushImage(registry, { name: 'a/b', reference: 'v1' });
  const policy = async (tag: string) =>
    (await send(registry, `GET /v2/a/b/manifests/${tag}`)).headers['content-security-policy'];
  expect(await policy('page')).toBe('sandbox');
  expect(await policy('v1')).toBeUndefined();
});
