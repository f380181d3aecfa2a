import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { locationOf, pushBlob, send } from '../support/api-client.ts';
import { createTestRegistry } from '../support/test-registry.ts';

const content = Buffer.from('some layer');
const digest = digestOf(content);
const SESSION = /^\/v2\/a\/b\/blobs\/uploads\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

test('end-4a: POST answers 202 with a Location of a session of its own', async () => {
  const registry = createTestRegistry();
  const first = await send(registry, 'POST /v2/a/b/blobs/uploads/');
  const second = await send(registry, 'POST /v2/a/b/blobs/uploads/');
  expect(first.status).toBe(202);
  expect(locationOf(first)).toMatch(SESSION);
  expect(locationOf(second)).toMatch(SESSION);
  expect(locationOf(second)).not.toBe(locationOf(first));
  expect(first.headers.range).toBe('0-0');
  expect(first.headers['docker-upload-uuid']).toBe(locationOf(first).split('/').at(-1));
  expect(first.headers['content-length']).toBe('0');
});

test('end-4a: POST without the slash at the end is the same', async () => {
  expect((await send(createTestRegistry(), 'POST /v2/a/b/blobs/uploads')).status).toBe(202);
});

test('end-4a: a session alone makes no repository', async () => {
  const registry = createTestRegistry();
  await send(registry, 'POST /v2/a/b/blobs/uploads/');
  expect((await send(registry, 'GET /v2/a/b/tags/list')).codes).toEqual(['NAME_UNKNOWN']);
  expect((await send(registry, 'GET /v2/_catalog')).json).toEqual({ repositories: [] });
});

describe('end-4b', () => {
  test.each(['sha256', 'sha512'] as const)('a whole blob with its %s digest is 201', async (algorithm) => {
    const registry = createTestRegistry();
    const expected = digestOf(content, algorithm);
    const answer = await send(registry, `POST /v2/a/b/blobs/uploads/?digest=${expected}`, { body: content });
    expect(answer.status).toBe(201);
    expect(answer.headers['docker-content-digest']).toBe(expected);
    const pulled = await send(registry, `GET ${locationOf(answer)}`);
    expect(pulled.body.equals(content)).toBe(true);
  });

  test('a digest that is not the body is 400 DIGEST_INVALID, and nothing is left', async () => {
    const registry = createTestRegistry();
    const answer = await send(registry, `POST /v2/a/b/blobs/uploads/?digest=${digest}`, { body: 'other' });
    expect(answer.status).toBe(400);
    expect(answer.codes).toEqual(['DIGEST_INVALID']);
    expect((await send(registry, `HEAD /v2/a/b/blobs/${digest}`)).status).toBe(404);
    expect((await registry.driver.list('docker/registry/v2/repositories/a/b/_uploads')).entries).toEqual([]);
  });

  test.each([
    ['no digest at all', 'nonsense'],
    ['an unsupported algorithm', 'md5:d41d8cd98f00b204e9800998ecf8427e'],
    ['an unknown algorithm', `blake3:${'a'.repeat(64)}`],
    ['a short digest', 'sha256:abc'],
    ['upper case', `sha256:${'A'.repeat(64)}`],
    ['a path', 'sha256:../../../../etc/passwd'],
    ['nothing', ''],
  ])('%s is 400 DIGEST_INVALID', async (_, bad) => {
    const registry = createTestRegistry();
    for (const body of [{ body: content }, {}]) {
      const answer = await send(
        registry,
        `POST /v2/a/b/blobs/uploads/?digest=${encodeURIComponent(bad)}`,
        body,
      );
      expect(answer.status).toBe(400);
      expect(answer.codes).toEqual(['DIGEST_INVALID']);
    }
  });

  test('a digest without a body starts a session', async () => {
    const answer = await send(createTestRegistry(), `POST /v2/a/b/blobs/uploads/?digest=${digest}`);
    expect(answer.status).toBe(202);
    expect(locationOf(answer)).toMatch(SESSION);
  });

  test('the same blob twice is 201 both times', async () => {
    const registry = createTestRegistry();
    for (const name of ['a/b', 'a/b', 'c']) {
      const answer = await send(registry, `POST /v2/${name}/blobs/uploads/?digest=${digest}`, {
        body: content,
      });
      expect(answer.status).toBe(201);
    }
  });
});

test('end-4c: an announced algorithm is taken', async () => {
  const registry = createTestRegistry();
  const started = await send(registry, 'POST /v2/a/b/blobs/uploads/?digest-algorithm=sha512');
  expect(started.status).toBe(202);
  const session = locationOf(started);
  expect((await send(registry, `PATCH ${session}`, { body: content })).status).toBe(202);
  const expected = digestOf(content, 'sha512');
  const finished = await send(registry, `PUT ${session}?digest=${expected}`);
  expect(finished.status).toBe(201);
  expect(finished.headers['docker-content-digest']).toBe(expected);
});

test('end-4c: another digest than the announced one is taken too, since it is right', async () => {
  const registry = createTestRegistry();
  const session = locationOf(await send(registry, 'POST /v2/a/b/blobs/uploads/?digest-algorithm=sha512'));
  await send(registry, `PATCH ${session}`, { body: content });
  expect((await send(registry, `PUT ${session}?digest=${digest}`)).status).toBe(201);
});

test.each(['md5', 'SHA256', '', 'sha1', '../sha256'])(
  'end-4c: the algorithm %j is 400',
  async (algorithm) => {
    const registry = createTestRegistry();
    const query = `digest-algorithm=${encodeURIComponent(algorithm)}`;
    const answer = await send(registry, `POST /v2/a/b/blobs/uploads/?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.codes).toEqual(['DIGEST_INVALID']);
    const whole = await send(registry, `POST /v2/a/b/blobs/uploads/?digest=${digest}&${query}`, {
      body: content,
    });
    expect(whole.status).toBe(400);
  },
);

test('end-4: sha256 and sha512 of one content are two blobs', async () => {
  const registry = createTestRegistry();
  const other = await pushBlob(registry, { name: 'a', content, algorithm: 'sha512' });
  await pushBlob(registry, { name: 'a', content });
  expect((await send(registry, `DELETE /v2/a/blobs/${digest}`)).status).toBe(202);
  expect((await send(registry, `GET /v2/a/blobs/${other}`)).body.equals(content)).toBe(true);
});
