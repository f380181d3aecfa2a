import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basic, createLoginRegistry, HOST, type LoginRegistry } from '../support/login-registry.ts';

const ALICE = ['alice', 'alice-secret'] as const;

let login: LoginRegistry;

beforeAll(async () => {
  login = await createLoginRegistry();
});

afterAll(() => login[Symbol.asyncDispose]());

interface Entry {
  readonly name: string;
  readonly actions: readonly string[];
}

function claimsOf(token: string): { readonly [name: string]: unknown; readonly access: readonly Entry[] } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

const tokenFor = async (scope: string, authorization?: string) => {
  const query = new URLSearchParams({ service: HOST, scope });
  return (await login.get(`/auth/token?${query}`, authorization).expect(200)).body;
};

const form = (fields: Record<string, string> | [string, string][]) =>
  login
    .post('/auth/token')
    .set('Content-Type', 'application/x-www-form-urlencoded')
    .send(new URLSearchParams(fields).toString());

describe('GET of a token', () => {
  test('answers a login as docker and podman send it: no scope, a name in the token', async () => {
    const { body, headers } = await login
      .get(`/auth/token?account=alice&client_id=docker&offline_token=true&service=${HOST}`, basic(...ALICE))
      .expect(200);
    expect(body).toMatchObject({
      expires_in: 300,
      token: body.access_token,
      refresh_token: expect.any(String),
    });
    expect(body.issued_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['content-type']).toBe('application/json');
    expect(claimsOf(body.token)).toMatchObject({ sub: 'alice', aud: HOST, iss: 'fairlead', access: [] });
    await login.get('/v2/', `Bearer ${body.token}`).expect(200);
  });

  test('has a refresh token only for who asks and logs in', async () => {
    expect((await tokenFor('', basic(...ALICE))).refresh_token).toBeUndefined();
    const anonymous = await login.get(`/auth/token?service=${HOST}&offline_token=true`).expect(200);
    expect(anonymous.body.refresh_token).toBeUndefined();
    expect(claimsOf(anonymous.body.token)).toMatchObject({ sub: '' });
  });

  test('grants what the rules say and leaves out the rest, with 200', async () => {
    const query = new URLSearchParams([
      ['service', HOST],
      ['scope', 'repository:alice/app:push,pull repository:bob/app:pull'],
      ['scope', 'repository:alice/other:delete'],
      ['scope', 'registry:catalog:*'],
    ]);
    const { body } = await login.get(`/auth/token?${query}`, basic(...ALICE)).expect(200);
    const claims = claimsOf(body.token);
    expect(claims.access).toEqual([
      { type: 'repository', name: 'alice/app', actions: ['pull', 'push'] },
      { type: 'repository', name: 'alice/other', actions: ['delete'] },
      { type: 'registry', name: 'catalog', actions: ['*'] },
    ]);
    expect(claims.refused).toEqual([{ name: 'bob/app' }]);
  });

  test('expands what skopeo delete asks for', async () => {
    const { token } = await tokenFor('repository:alice/app:*', basic(...ALICE));
    expect(claimsOf(token).access).toMatchObject([{ actions: ['pull', 'push', 'delete'] }]);
  });

  test.each([
    ['a wrong password', basic('alice', 'wrong')],
    ['an unknown name', basic('nobody', 'alice-secret')],
    ['no password', basic('alice', '')],
    ['a name that means everybody', basic('anonymous', 'x')],
    ['a token in the place of a password', 'Bearer abc'],
  ])('answers %s with 401, never with an anonymous token', async (_, authorization) => {
    const { body, headers } = await login.get(`/auth/token?service=${HOST}`, authorization).expect(401);
    expect(body).toEqual({ errors: [{ code: 'UNAUTHORIZED', message: 'wrong name or password' }] });
    expect(headers['www-authenticate']).toBe('Basic realm="token"');
  });

  test('takes an empty pair for nobody, as podman sends it', async () => {
    expect(claimsOf((await tokenFor('', basic('', ''))).token)).toMatchObject({ sub: '' });
  });

  test.each([
    'repository:alice/../bob:pull',
    'repository:alice%2f..%2fbob:pull',
    'repository:Alice/app:pull',
    'repository:/alice/app:pull',
    'repository:*:pull',
    `repository:${['$', '{account}/app'].join('')}:pull`,
    'repository:alice/app/:pull',
    `repository:alice/${'a'.repeat(300)}:pull`,
    'registry:other:*',
    'registry:catalog:administer',
    'root:alice/app:pull',
    'repository:alice/app:administer',
  ])('grants nothing for %s', async (scope) => {
    const { token } = await tokenFor(scope, basic(...ALICE));
    expect(claimsOf(token).access).toEqual([]);
  });

  test('refuses too many scopes', async () => {
    const scopes = Array.from({ length: 100 }, (_, index) => `scope=repository:a${index}:pull`);
    await login.get(`/auth/token?${scopes.join('&')}`).expect(400);
  });

  test('issues for another service under the names that were asked', async () => {
    const { body } = await login
      .get('/auth/token?service=elsewhere&scope=repository:alice/app:pull', basic(...ALICE))
      .expect(200);
    expect(claimsOf(body.token)).toMatchObject({ aud: 'elsewhere', access: [{ name: 'alice/app' }] });
    await login.get('/v2/', `Bearer ${body.token}`).expect(401);
  });
});

describe('POST for a token', () => {
  const password = {
    grant_type: 'password',
    client_id: 'test',
    service: HOST,
    username: ALICE[0],
    password: ALICE[1],
  };

  test('takes a password', async () => {
    const { body } = await form({ ...password, scope: 'repository:alice/app:pull' }).expect(200);
    expect(body).toMatchObject({
      access_token: expect.any(String),
      scope: 'repository:alice/app:pull',
      expires_in: 300,
    });
    expect(body.refresh_token).toBeUndefined();
  });

  test('gives a refresh token and takes it, with scopes joined or repeated', async () => {
    const { body } = await form({ ...password, access_type: 'offline' }).expect(200);
    const again = await form([
      ['grant_type', 'refresh_token'],
      ['client_id', 'containers/image'],
      ['service', HOST],
      ['refresh_token', body.refresh_token],
      ['scope', 'repository:alice/a:pull repository:alice/b:push'],
      ['scope', 'repository:alice/c:pull'],
    ]).expect(200);
    expect(claimsOf(again.body.access_token).access.map(({ name }) => name)).toEqual([
      'alice/a',
      'alice/b',
      'alice/c',
    ]);
  });

  test.each([
    ['a wrong password', { ...password, password: 'wrong' }, 401],
    ['a refresh token of nobody', { grant_type: 'refresh_token', refresh_token: 'flr1.AAAA' }, 401],
    ['no password', { grant_type: 'password', username: 'alice' }, 400],
    ['no refresh token', { grant_type: 'refresh_token' }, 400],
    ['another grant', { grant_type: 'client_credentials' }, 400],
    ['no grant', {}, 400],
    ['scopes of a megabyte', { ...password, scope: 'a'.repeat(1 << 20) }, 413],
    ['a service of some kilobytes', { ...password, service: 'a'.repeat(1 << 13) }, 400],
    ['scopes of some kilobytes', { ...password, scope: 'a'.repeat(1 << 13) }, 400],
  ])('answers %s', async (_, fields, status) => {
    await form(fields).expect(status);
  });

  test('wants a form', async () => {
    await login.post('/auth/token').set('Content-Type', 'application/json').send('{}').expect(415);
  });
});

describe('tokens of one kind', () => {
  test('are nothing in the place of the other', async () => {
    const { body } = await login
      .get(`/auth/token?service=${HOST}&offline_token=true`, basic(...ALICE))
      .expect(200);
    await login.get('/v2/', `Bearer ${body.refresh_token}`).expect(401);
    await form({ grant_type: 'refresh_token', refresh_token: body.access_token }).expect(401);
    await login.get(`/auth/token?service=${HOST}`, basic('alice', body.access_token)).expect(401);
    await login.get(`/auth/token?service=${HOST}`, basic('alice', body.refresh_token)).expect(401);
  });
});

describe('the keys', () => {
  test('can be had as a set and as a certificate', async () => {
    const { body } = await login.get('/auth/jwks').expect(200).expect('Content-Type', 'application/json');
    expect(body.keys).toHaveLength(1);
    expect(body.keys[0].d).toBeUndefined();
    const first = await login.get('/auth/certificate').buffer(true).expect(200);
    expect(first.text).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect((await login.get('/auth/certificate').buffer(true)).text).toBe(first.text);
  });

  test('cannot be written, and there is nothing else', async () => {
    await login.post('/auth/jwks').expect(405).expect('Allow', 'GET, HEAD');
    await login.get('/auth/').expect(404);
    await login.get('/auth/token/a/b').expect(404);
  });
});
