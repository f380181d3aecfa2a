import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { locationOf, send, startUpload } from '../support/api-client.ts';
import { createTestRegistry, type TestRegistry } from '../support/test-registry.ts';

const content = Buffer.from('0123456789abcdefghij');
const digest = digestOf(content);

function chunk(registry: TestRegistry, session: string, { from, to }: { from: number; to: number }) {
  const body = content.subarray(from, to + 1);
  const headers = { 'content-range': `${from}-${to}`, 'content-type': 'application/octet-stream' };
  return send(registry, `PATCH ${session}`, { headers, body });
}

async function sizeOf(registry: TestRegistry, session: string): Promise<string | undefined> {
  return (await send(registry, `GET ${session}`)).headers.range;
}

test('end-5: a streamed PATCH answers 202 with Location and Range', async () => {
  const registry = createTestRegistry();
  const session = await startUpload(registry, 'a/b');
  const answer = await send(registry, `PATCH ${session}`, { body: content });
  expect(answer.status).toBe(202);
  expect(answer.headers.range).toBe('0-19');
  expect(locationOf(answer)).toBe(session);
  expect(answer.headers['docker-upload-uuid']).toBe(session.split('/').at(-1));
});

test('end-5: chunks in order are 202 with the last byte of each, and end in a blob', async () => {
  const registry = createTestRegistry();
  let session = await startUpload(registry, 'a/b');
  for (const [from, to] of [
    [0, 4],
    [5, 5],
    [6, 19],
  ] as const) {
    const answer = await chunk(registry, session, { from, to });
    expect(answer.status).toBe(202);
    expect(answer.headers.range).toBe(`0-${to}`);
    session = locationOf(answer);
  }
  const finished = await send(registry, `PUT ${session}?digest=${digest}`);
  expect(finished.status).toBe(201);
  expect((await send(registry, `GET ${locationOf(finished)}`)).body.equals(content)).toBe(true);
});

test.each([
  ['starts past the end', '10-19'],
  ['overlaps what is there', '4-13'],
  ['begins anew', '0-9'],
  ['ends before it starts', '9-5'],
  ['is no range', 'ten to twenty'],
  ['is negative', '-5-4'],
  ['is huge', '9007199254740993-9007199254740999'],
])('end-5: a chunk that %s is 416, and the session goes on', async (_, range) => {
  const registry = createTestRegistry();
  const session = await startUpload(registry, 'a/b');
  await chunk(registry, session, { from: 0, to: 4 });
  const answer = await send(registry, `PATCH ${session}`, {
    headers: { 'content-range': range },
    body: content.subarray(5, 15),
  });
  expect(answer.status).toBe(416);
  expect(answer.codes).toEqual(['BLOB_UPLOAD_INVALID']);
  expect(answer.headers.range).toBe('0-4');
  expect(locationOf(answer)).toBe(session);
  expect(await sizeOf(registry, session)).toBe('0-4');
  expect((await chunk(registry, session, { from: 5, to: 19 })).status).toBe(202);
  expect((await send(registry, `PUT ${session}?digest=${digest}`)).status).toBe(201);
});

test('end-5: the first chunk must begin with 0', async () => {
  const registry = createTestRegistry();
  const session = await startUpload(registry, 'a/b');
  expect((await chunk(registry, session, { from: 1, to: 4 })).status).toBe(416);
  expect(await sizeOf(registry, session)).toBe('0-0');
});

test('end-5: a Content-Range that is not as long as the body is 400 SIZE_INVALID', async () => {
  const registry = createTestRegistry();
  const session = await startUpload(registry, 'a/b');
  for (const range of ['0-18', '0-20', '0-0']) {
    const answer = await send(registry, `PATCH ${session}`, {
      headers: { 'content-range': range },
      body: content,
    });
    expect(answer.status, range).toBe(400);
    expect(answer.codes).toEqual(['SIZE_INVALID']);
  }
  expect(await sizeOf(registry, session)).toBe('0-0');
});

test('end-5: "bytes 0-4/20", as some clients write it, is understood', async () => {
  const registry = createTestRegistry();
  const session = await startUpload(registry, 'a/b');
  const headers = { 'content-range': 'bytes 0-4/20' };
  expect((await send(registry, `PATCH ${session}`, { headers, body: content.subarray(0, 5) })).status).toBe(
    202,
  );
});

test('end-5: a PATCH without content changes nothing', async () => {
  const registry = createTestRegistry();
  const session = await startUpload(registry, 'a/b');
  await chunk(registry, session, { from: 0, to: 4 });
  const answer = await send(registry, `PATCH ${session}`);
  expect(answer.status).toBe(202);
  expect(answer.headers.range).toBe('0-4');
});

describe('end-6', () => {
  test.each(['sha256', 'sha512'] as const)(
    'PUT with the whole content and its %s digest is 201',
    async (algorithm) => {
      const registry = createTestRegistry();
      const session = await startUpload(registry, 'a/b');
      const expected = digestOf(content, algorithm);
      const answer = await send(registry, `PUT ${session}?digest=${encodeURIComponent(expected)}`, {
        body: content,
      });
      expect(answer.status).toBe(201);
      expect(answer.headers['docker-content-digest']).toBe(expected);
      expect(answer.headers['content-length']).toBe('0');
      const pulled = await send(registry, `GET ${locationOf(answer)}`);
      expect(pulled.status).toBe(200);
      expect(pulled.body.equals(content)).toBe(true);
    },
  );

  test('PUT with the last chunk is 201', async () => {
    const registry = createTestRegistry();
    const session = await startUpload(registry, 'a/b');
    await chunk(registry, session, { from: 0, to: 9 });
    const answer = await send(registry, `PUT ${session}?digest=${digest}`, {
      headers: { 'content-range': '10-19' },
      body: content.subarray(10),
    });
    expect(answer.status).toBe(201);
  });

  test('a last chunk out of order is 416, and the session goes on', async () => {
    const registry = createTestRegistry();
    const session = await startUpload(registry, 'a/b');
    await chunk(registry, session, { from: 0, to: 9 });
    const answer = await send(registry, `PUT ${session}?digest=${digest}`, {
      headers: { 'content-range': '11-19' },
      body: content.subarray(11),
    });
    expect(answer.status).toBe(416);
    expect(answer.headers.range).toBe('0-9');
    expect(
      (await send(registry, `PUT ${session}?digest=${digest}`, { body: content.subarray(10) })).status,
    ).toBe(201);
  });

  test('a digest that the content does not have is 400 DIGEST_INVALID, and the right one is taken then', async () => {
    const registry = createTestRegistry();
    const session = await startUpload(registry, 'a/b');
    await send(registry, `PATCH ${session}`, { body: content });
    const wrong = digestOf(Buffer.from('other'));
    const answer = await send(registry, `PUT ${session}?digest=${wrong}`);
    expect(answer.status).toBe(400);
    expect(answer.codes).toEqual(['DIGEST_INVALID']);
    expect((await send(registry, `HEAD /v2/a/b/blobs/${wrong}`)).status).toBe(404);
    expect((await send(registry, `HEAD /v2/a/b/blobs/${digest}`)).status).toBe(404);
    expect((await send(registry, `PUT ${session}?digest=${digest}`)).status).toBe(201);
  });

  test('a digest that the body of the PUT does not have is 400 DIGEST_INVALID', async () => {
    const registry = createTestRegistry();
    const session = await startUpload(registry, 'a/b');
    const answer = await send(registry, `PUT ${session}?digest=${digest}`, { body: 'other' });
    expect(answer.status).toBe(400);
    expect((await send(registry, `HEAD /v2/a/b/blobs/${digest}`)).status).toBe(404);
  });

  test.each(['', '?digest=', '?digest=sha256:abc', '?digest=md5:d41d8cd98f00b204e9800998ecf8427e', '?x=y'])(
    'PUT with %j in place of a digest is 400 DIGEST_INVALID, and the session goes on',
    async (query) => {
      const registry = createTestRegistry();
      const session = await startUpload(registry, 'a/b');
      await send(registry, `PATCH ${session}`, { body: content });
      const answer = await send(registry, `PUT ${session}${query}`);
      expect(answer.status).toBe(400);
      expect(answer.codes).toEqual(['DIGEST_INVALID']);
      expect((await send(registry, `PUT ${session}?digest=${digest}`)).status).toBe(201);
    },
  );

  test('a session that ended is 404 for everything', async () => {
    const registry = createTestRegistry();
    const session = await startUpload(registry, 'a/b');
    await send(registry, `PUT ${session}?digest=${digest}`, { body: content });
    for (const line of [
      `GET ${session}`,
      `PATCH ${session}`,
      `PUT ${session}?digest=${digest}`,
      `DELETE ${session}`,
    ] as const) {
      const answer = await send(registry, line);
      expect(answer.status, line).toBe(404);
      expect(answer.codes).toEqual(['BLOB_UPLOAD_UNKNOWN']);
    }
  });

  test('an empty blob can be pushed', async () => {
    const registry = createTestRegistry();
    const session = await startUpload(registry, 'a/b');
    expect((await send(registry, `PUT ${session}?digest=${digestOf(Buffer.alloc(0))}`)).status).toBe(201);
  });
});

test('end-5, 6: a session of another repository, and one that never was, are 404', async () => {
  const registry = createTestRegistry();
  const session = await startUpload(registry, 'a/b');
  const id = session.split('/').at(-1);
  for (const path of [
    `/v2/a/c/blobs/uploads/${id}`,
    '/v2/a/b/blobs/uploads/00000000-0000-4000-8000-000000000000',
    '/v2/a/b/blobs/uploads/nonsense',
    '/v2/a/b/blobs/uploads/%2e%2e',
    `/v2/a/b/blobs/uploads/${id?.toUpperCase()}x`,
  ]) {
    for (const line of [
      `PATCH ${path}`,
      `PUT ${path}?digest=${digest}`,
      `GET ${path}`,
      `DELETE ${path}`,
    ] as const) {
      const answer = await send(registry, line);
      expect(answer.status, line).toBe(404);
      expect(answer.codes).toEqual(['BLOB_UPLOAD_UNKNOWN']);
    }
  }
  expect((await send(registry, `PATCH ${session}`, { body: content })).status).toBe(202);
});

test('end-13: GET answers 204 with Location and Range', async () => {
  const registry = createTestRegistry();
  const session = await startUpload(registry, 'a/b');
  const fresh = await send(registry, `GET ${session}`);
  expect(fresh.status).toBe(204);
  expect(fresh.headers.range).toBe('0-0');
  await chunk(registry, session, { from: 0, to: 4 });
  for (const query of ['', `?digest=${digest}`]) {
    const answer = await send(registry, `GET ${session}${query}`);
    expect(answer.status).toBe(204);
    expect(answer.headers.range).toBe('0-4');
    expect(locationOf(answer)).toBe(session);
  }
});

test('end-14: DELETE answers 204, and the session is gone with what it held', async () => {
  const registry = createTestRegistry();
  const session = await startUpload(registry, 'a/b');
  await chunk(registry, session, { from: 0, to: 4 });
  expect((await send(registry, `DELETE ${session}`)).status).toBe(204);
  expect((await send(registry, `GET ${session}`)).status).toBe(404);
  expect((await send(registry, `DELETE ${session}`)).status).toBe(404);
  expect((await registry.driver.list('docker/registry/v2/repositories/a/b/_uploads')).entries).toEqual([]);
});
