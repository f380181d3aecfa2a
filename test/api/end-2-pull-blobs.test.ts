import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { pushBlob, send } from '../support/api-client.ts';
import { createTestRegistry } from '../support/test-registry.ts';

const content = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
/** More than what is kept in memory, so that it is streamed. */
const large = Buffer.alloc(600_000, 'fairlead ');
const absent = digestOf(Buffer.from('nobody pushed this'));

const registry = createTestRegistry();

async function registryWith(blob: Buffer, algorithm: 'sha256' | 'sha512' = 'sha256') {
  const digest = await pushBlob(registry, { name: 'a/b', content: blob, algorithm });
  return { registry, digest, path: `/v2/a/b/blobs/${digest}` as const };
}

describe.each([
  ['small', content],
  ['streamed', large],
])('a %s blob', (_, blob) => {
  test('end-2: GET answers 200 with the bytes and their digest', async () => {
    const { registry, digest, path } = await registryWith(blob);
    const answer = await send(registry, `GET ${path}`);
    expect(answer.status).toBe(200);
    expect(answer.body.equals(blob)).toBe(true);
    expect(answer.headers).toMatchObject({
      'docker-content-digest': digest,
      'content-length': String(blob.length),
      'content-type': 'application/octet-stream',
      etag: `"${digest}"`,
      'cache-control': 'max-age=31536000, immutable',
      'accept-ranges': 'bytes',
    });
  });

  test('end-2: HEAD answers 200 with digest and length, as GET', async () => {
    const { registry, path } = await registryWith(blob);
    const head = await send(registry, `HEAD ${path}`);
    const get = await send(registry, `GET ${path}`);
    expect(head.status).toBe(200);
    for (const name of ['docker-content-digest', 'content-length', 'content-type', 'etag', 'cache-control']) {
      expect(head.headers[name], name).toBe(get.headers[name]);
    }
  });

  test.each([
    ['bytes=100-199', 100, 199],
    ['bytes=100-', 100, blob.length - 1],
    ['bytes=-100', blob.length - 100, blob.length - 1],
    ['bytes=0-0', 0, 0],
    [`bytes=${blob.length - 1}-`, blob.length - 1, blob.length - 1],
    ['bytes=500-99999999', 500, blob.length - 1],
    ['bytes=-99999999', 0, blob.length - 1],
    ['BYTES = 100 - 199', 100, 199],
  ])('end-2: Range %s answers 206 with bytes %i to %i', async (range, start, end) => {
    const { registry, path } = await registryWith(blob);
    const answer = await send(registry, `GET ${path}`, { headers: { range } });
    expect(answer.status).toBe(206);
    expect(answer.headers['content-range']).toBe(`bytes ${start}-${end}/${blob.length}`);
    expect(answer.headers['content-length']).toBe(String(end - start + 1));
    expect(answer.body.equals(blob.subarray(start, end + 1))).toBe(true);
  });

  test.each(['bytes=5-4', `bytes=${blob.length}-`, 'bytes=99999999-100000000', 'bytes=-0'])(
    'end-2: Range %s answers 416 with the size',
    async (range) => {
      const { registry, path } = await registryWith(blob);
      const answer = await send(registry, `GET ${path}`, { headers: { range } });
      expect(answer.status).toBe(416);
      expect(answer.headers['content-range']).toBe(`bytes */${blob.length}`);
      expect(answer.codes).toEqual(['SIZE_INVALID']);
    },
  );

  test.each(['bytes=0-1,3-4', 'lines=1-2', 'bytes=a-b', 'bytes=', 'bytes=--5', 'bytes=1'])(
    'end-2: Range %s is ignored, as RFC 9110 section 14.2 allows',
    async (range) => {
      const { registry, path } = await registryWith(blob);
      const answer = await send(registry, `GET ${path}`, { headers: { range } });
      expect(answer.status).toBe(200);
      expect(answer.body.length).toBe(blob.length);
    },
  );

  test('end-2: If-Range with this digest keeps the range, with another one gives the whole', async () => {
    const { registry, digest, path } = await registryWith(blob);
    const status = async (condition: string) =>
      (await send(registry, `GET ${path}`, { headers: { range: 'bytes=1-2', 'if-range': condition } }))
        .status;
    expect(await status(`"${digest}"`)).toBe(206);
    expect(await status(`"${absent}"`)).toBe(200);
    expect(await status(`W/"${digest}"`)).toBe(200);
    expect(await status('Wed, 21 Oct 2015 07:28:00 GMT')).toBe(200);
  });
});

test('end-2: a range of a HEAD is ignored', async () => {
  const { registry, path } = await registryWith(content);
  const answer = await send(registry, `HEAD ${path}`, { headers: { range: 'bytes=0-1' } });
  expect(answer.status).toBe(200);
  expect(answer.headers['content-length']).toBe('1000');
});

test.each(['GET', 'HEAD'] as const)(
  'end-2: %s with If-None-Match answers 304 without content',
  async (method) => {
    const { registry, digest, path } = await registryWith(content);
    for (const match of [`"${digest}"`, `"x", "${digest}"`, `W/"${digest}"`, '*']) {
      const answer = await send(registry, `${method} ${path}`, { headers: { 'if-none-match': match } });
      expect(answer.status, match).toBe(304);
      expect(answer.body.length).toBe(0);
      expect(answer.headers.etag).toBe(`"${digest}"`);
      expect(answer.headers['content-type']).toBeUndefined();
    }
    const other = await send(registry, `${method} ${path}`, { headers: { 'if-none-match': `"${absent}"` } });
    expect(other.status).toBe(200);
  },
);

test('end-2: an empty blob is a blob', async () => {
  const { registry, path } = await registryWith(Buffer.alloc(0));
  const answer = await send(registry, `GET ${path}`);
  expect(answer.status).toBe(200);
  expect(answer.headers['content-length']).toBe('0');
  expect((await send(registry, `GET ${path}`, { headers: { range: 'bytes=0-' } })).status).toBe(416);
});

test('end-2: a sha512 blob is there under sha512 alone', async () => {
  const blob = Buffer.from('pushed by sha512');
  const { registry, digest, path } = await registryWith(blob, 'sha512');
  const answer = await send(registry, `GET ${path}`);
  expect(answer.status).toBe(200);
  expect(answer.headers['docker-content-digest']).toBe(digest);
  expect(digest).toMatch(/^sha512:/);
  expect((await send(registry, `HEAD /v2/a/b/blobs/${digestOf(blob)}`)).status).toBe(404);
});

test('end-2: answers 404 for a blob that is not in the repository, wherever else it is', async () => {
  const { registry, digest } = await registryWith(content);
  for (const path of [`a/b/blobs/${absent}`, `other/blobs/${digest}`, `a/b/c/blobs/${digest}`]) {
    const answer = await send(registry, `GET /v2/${path}`);
    expect(answer.status, path).toBe(404);
    expect(answer.codes).toEqual(['BLOB_UNKNOWN']);
    expect((await send(registry, `HEAD /v2/${path}`)).status).toBe(404);
  }
});

test('end-2: HEAD of what is missing has the length of the error that GET has', async () => {
  const head = await send(registry, `HEAD /v2/a/blobs/${absent}`);
  const get = await send(registry, `GET /v2/a/blobs/${absent}`);
  expect(head.headers['content-length']).toBe(String(get.body.length));
  expect(head.headers['content-type']).toBe('application/json');
});

test('end-2: a digest in percent encoding is the digest', async () => {
  const { registry, digest } = await registryWith(content);
  const answer = await send(registry, `GET /v2/a/b/blobs/${encodeURIComponent(digest)}`);
  expect(answer.status).toBe(200);
});
