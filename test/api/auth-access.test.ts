import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { basic, createLoginRegistry, HOST, type LoginRegistry, userLine } from '../support/login-registry.ts';

const ALICE = ['alice', 'alice-secret'] as const;
const BOB = ['bob', 'bob-secret'] as const;
const ROOT = ['root', 'root-secret'] as const;

let login: LoginRegistry;

beforeEach(async () => {
  login = await createLoginRegistry();
});

afterEach(() => login[Symbol.asyncDispose]());

const CHALLENGE = `Bearer realm="http://${HOST}/auth/token",service="${HOST}"`;

async function pushBlob(
  repository: string,
  user: readonly [string, string],
  content: string,
): Promise<string> {
  const digest = digestOf(Buffer.from(content));
  const bearer = await login.bearer([`repository:${repository}:pull,push`], user);
  await login
    .post(`/v2/${repository}/blobs/uploads/?digest=${digest}`, bearer)
    .set('Content-Type', 'application/octet-stream')
    .send(Buffer.from(content))
    .expect(201);
  return digest;
}

describe('without credentials', () => {
  test.each([
    ['GET', '/v2/', CHALLENGE],
    ['GET', '/v2/_catalog', `${CHALLENGE},scope="registry:catalog:*"`],
    ['GET', '/v2/a/b/tags/list', `${CHALLENGE},scope="repository:a/b:pull"`],
    ['GET', '/v2/a/b/manifests/v1', `${CHALLENGE},scope="repository:a/b:pull"`],
    ['POST', '/v2/a/b/blobs/uploads/', `${CHALLENGE},scope="repository:a/b:pull,push"`],
    [
      'POST',
      `/v2/a/b/blobs/uploads/?from=c/d&mount=${digestOf(Buffer.from(''))}`,
      `${CHALLENGE},scope="repository:a/b:pull,push repository:c/d:pull"`,
    ],
  ])('%s %s names what is needed', async (method, path, challenge) => {
    const { headers, body } = await (method === 'GET' ? login.get(path) : login.post(path)).expect(401);
    expect(headers['www-authenticate']).toBe(challenge);
    expect(body.errors[0].code).toBe('UNAUTHORIZED');
  });

  test('the realm follows what a proxy says, where it is a host and a scheme', async () => {
    const forwarded = await login
      .get('/v2/')
      .set('X-Forwarded-Proto', 'https')
      .set('X-Forwarded-Host', 'public.example')
      .expect(401);
    expect(forwarded.headers['www-authenticate']).toBe(
      'Bearer realm="https://public.example/auth/token",service="public.example"',
    );
    const forged = await login
      .get('/v2/')
      .set('X-Forwarded-Proto', 'javascript')
      .set('X-Forwarded-Host', 'a"b/c')
      .expect(401);
    expect(forged.headers['www-authenticate']).toBe(CHALLENGE);
  });
});

describe('a token', () => {
  test('opens what it names, and nothing else', async () => {
    const digest = await pushBlob('alice/app', ALICE, 'content');
    const pull = await login.bearer(['repository:alice/app:pull'], ALICE);
    await login.get(`/v2/alice/app/blobs/${digest}`, pull).expect(200);
    const denied = await login.get(`/v2/alice/other/blobs/${digest}`, pull).expect(401);
    expect(denied.headers['www-authenticate']).toBe(
      `${CHALLENGE},scope="repository:alice/other:pull",error="insufficient_scope"`,
    );
    await login.post('/v2/alice/app/blobs/uploads/', pull).expect(401);
    await login.get('/v2/_catalog', pull).expect(401);
  });

  test('of nobody opens the API and nothing that is private', async () => {
    const digest = await pushBlob('alice/app', ALICE, 'content');
    const nobody = await login.bearer(['repository:alice/app:pull']);
    await login.get('/v2/', nobody).expect(200);
    await login.get(`/v2/alice/app/blobs/${digest}`, nobody).expect(401);
  });

  test('of bob does not open what is alice’s', async () => {
    const digest = await pushBlob('alice/app', ALICE, 'content');
    const bob = await login.bearer(['repository:alice/app:pull,push,delete'], BOB);
    await login.get(`/v2/alice/app/blobs/${digest}`, bob).expect(401);
    await login.post('/v2/alice/app/blobs/uploads/', bob).expect(401);
    const root = await login.bearer(['repository:alice/app:pull'], ROOT);
    await login.get(`/v2/alice/app/blobs/${digest}`, root).expect(200);
  });

  test('ends, and begins, with a minute for clocks that differ', async () => {
    const bearer = await login.bearer([], ALICE);
    const start = login.clock.now;
    for (const [offset, status] of [
      [359_000, 200],
      [361_000, 401],
      [-59_000, 200],
      [-62_000, 401],
    ] as const) {
      login.clock.now = start + offset;
      const { headers } = await login.get('/v2/', bearer).expect(status);
      if (status === 401) expect(headers['www-authenticate']).toBe(`${CHALLENGE},error="invalid_token"`);
    }
  });

  test('of one host is nothing at another', async () => {
    const bearer = await login.bearer([], ALICE);
    await login.get('/v2/', bearer).set('Host', 'other.example').expect(401);
  });

  test.each(['alice/../bob/app', 'alice/%2e%2e/bob', 'alice%2f..%2fbob', 'Alice/app', 'alice//app'])(
    'does not open /v2/%s by a trick',
    async (name) => {
      const bearer = await login.bearer(['repository:alice/app:pull'], ALICE);
      const { status } = await login.get(`/v2/${name}/manifests/v1`, bearer);
      expect([400, 401, 404]).toContain(status);
    },
  );
});

describe('a digest that somebody else pushed', () => {
  test('cannot be mounted, named by a manifest, or guessed', async () => {
    const digest = await pushBlob('bob/app', BOB, 'private');
    const bearer = await login.bearer(['repository:alice/app:pull,push', 'repository:bob/app:pull'], ALICE);
    await login.post(`/v2/alice/app/blobs/uploads/?mount=${digest}&from=bob/app`, bearer).expect(202);
    await login.post(`/v2/alice/app/blobs/uploads/?mount=${digest}`, bearer).expect(202);
    await login.get(`/v2/alice/app/blobs/${digest}`, bearer).expect(404);
  });

  test('is asked for with both scopes when the token never asked for its source', async () => {
    const digest = await pushBlob('bob/app', BOB, 'private');
    const bearer = await login.bearer(['repository:alice/app:pull,push'], ALICE);
    const { headers } = await login
      .post(`/v2/alice/app/blobs/uploads/?mount=${digest}&from=bob/app`, bearer)
      .expect(401);
    expect(headers['www-authenticate']).toContain(
      'scope="repository:alice/app:pull,push repository:bob/app:pull",error="insufficient_scope"',
    );
  });

  test.each([
    ['neither of the two was asked for', ['repository:alice/app:pull']],
    ['only the source was asked for', ['repository:bob/one:pull']],
    ['the source was not asked for', ['repository:bob/app:pull,push']],
  ])('leaves one line in the audit when the mount is denied because %s', async (_, scopes) => {
    const bearer = await login.bearer(scopes, BOB);
    const path = `/v2/bob/app/blobs/uploads/?mount=${digestOf(Buffer.from(''))}&from=bob/one`;
    const { headers } = await login.post(path, bearer).expect(401);
    expect(headers['www-authenticate']).toContain(
      'scope="repository:bob/app:pull,push repository:bob/one:pull"',
    );
    const denied = login.audit.lines.filter(({ fields }) => fields.audit === 'request denied');
    expect(denied).toMatchObject([{ fields: { account: 'bob', repository: 'bob/app' } }]);
  });

  test('is mounted where the source is the caller’s own', async () => {
    const digest = await pushBlob('alice/one', ALICE, 'mine');
    const bearer = await login.bearer(['repository:alice/two:pull,push', 'repository:alice/one:pull'], ALICE);
    await login.post(`/v2/alice/two/blobs/uploads/?mount=${digest}&from=alice/one`, bearer).expect(201);
    await login.get(`/v2/alice/two/blobs/${digest}`, bearer).expect(200);
  });
});

describe('name and password at once', () => {
  test('do what the rules say', async () => {
    const digest = await pushBlob('alice/app', ALICE, 'content');
    await login.get(`/v2/alice/app/blobs/${digest}`, basic(...ALICE)).expect(200);
    await login.get(`/v2/alice/app/blobs/${digest}`, basic(...BOB)).expect(401);
    await login.get(`/v2/alice/app/blobs/${digest}`, basic('alice', 'wrong')).expect(401);
    await login.get('/v2/', basic('', '')).expect(401);
  });
});

describe('the catalog', () => {
  test('names what the caller may pull', async () => {
    for (const [name, user] of [
      ['alice/app', ALICE],
      ['bob/app', BOB],
    ] as const) {
      const digest = await pushBlob(name, user, '{}');
      const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 };
      const bearer = await login.bearer([`repository:${name}:pull,push`], user);
      const { default: supertest } = await import('supertest');
      await supertest(login.registry.app)
        .put(`/v2/${name}/manifests/v1`)
        .set({ Host: HOST, Authorization: bearer })
        .set('Content-Type', 'application/vnd.oci.image.manifest.v1+json')
        .send(
          JSON.stringify({
            schemaVersion: 2,
            mediaType: 'application/vnd.oci.image.manifest.v1+json',
            config,
            layers: [],
          }),
        )
        .expect(201);
    }
    const seenBy = async (user?: readonly [string, string]) => {
      const bearer = await login.bearer(['registry:catalog:*'], user);
      return (await login.get('/v2/_catalog', bearer).expect(200)).body.repositories;
    };
    expect(await seenBy(ALICE)).toEqual(['alice/app']);
    expect(await seenBy(ROOT)).toEqual(['alice/app', 'bob/app']);
    expect(await seenBy()).toEqual([]);
  });
});

describe('a refresh token', () => {
  const refresh = (refreshToken: string) =>
    login
      .post('/auth/token')
      .set('Content-Type', 'application/x-www-form-urlencoded')
      .send(new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }).toString());

  test('ends when its user’s password changes or the user goes, and survives changes of others', async () => {
    const { body } = await login
      .get(`/auth/token?service=${HOST}&offline_token=true`, basic(...ALICE))
      .expect(200);
    const [own = '', ...others] = (await readFile(login.users, 'utf8')).split('\n');
    await writeFile(login.users, `${own}\n${await userLine('bob', 'changed')}`);
    await refresh(body.refresh_token).expect(200);
    await writeFile(login.users, [await userLine('alice', 'changed'), ...others].join('\n'));
    await refresh(body.refresh_token).expect(401);
    await writeFile(login.users, `${own}\n`);
    await refresh(body.refresh_token).expect(200);
    await writeFile(login.users, '# nobody\n');
    await refresh(body.refresh_token).expect(401);
  });
});

describe('wrong passwords', () => {
  test('are refused with 429 after five, and tokens go on working', async () => {
    const bearer = await login.bearer([], ALICE);
    for (let count = 0; count < 5; count++) {
      await login.get(`/auth/token?service=${HOST}`, basic('bob', 'wrong')).expect(401);
    }
    const { headers, body } = await login
      .get(`/auth/token?service=${HOST}`, basic('bob', 'bob-secret'))
      .expect(429);
    expect(headers['retry-after']).toBe('60');
    expect(body.errors[0].code).toBe('TOOMANYREQUESTS');
    await login.get('/v2/', bearer).expect(200);
    login.clock.now += 60_000;
    await login.get(`/auth/token?service=${HOST}`, basic('bob', 'bob-secret')).expect(200);
  });
});

describe('the audit', () => {
  test('has a line for each login, refused login and denied request, and no secret', async () => {
    const bearer = await login.bearer(['repository:bob/app:pull'], ALICE);
    await login.get(`/auth/token?service=${HOST}`, basic('bob', 'wrong-password')).expect(401);
    await login.get('/v2/bob/app/manifests/v1', bearer).expect(401);
    await login.get('/v2/', 'Bearer forged').expect(401);
    await login.get('/v2/bob/app/manifests/v1').expect(401);
    expect(login.audit.lines.map(({ fields }) => fields)).toMatchObject([
      { audit: 'login', account: 'alice', address: expect.any(String), requestId: expect.any(String) },
      { audit: 'login refused', account: 'bob' },
      { audit: 'request denied', account: 'alice', repository: 'bob/app', reference: 'v1' },
      { audit: 'request denied', account: undefined },
    ]);
    const text = JSON.stringify([login.audit.lines, login.log.lines, login.registry.log]);
    for (const secret of ['alice-secret', 'wrong-password', bearer.slice(7), 'forged']) {
      expect(text).not.toContain(secret);
    }
  });
});
