import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NameResolver } from '../../src/auth/name-resolver.ts';
import { basic, createLoginRegistry, HOST, type LoginRegistry } from '../support/login-registry.ts';

/** docker.io is the default upstream; `alice/app` is hosted; gcr.io is meant where host or path say so. */
const names: NameResolver = {
  meanings(name, { upstream }) {
    if (/^(?:docker|gcr)\.io\//.test(name)) return [{ resolved: name, mirrored: true }];
    if (upstream !== undefined) return [{ resolved: `${upstream}/${name}`, mirrored: true }];
    const namesake = name.includes('/') ? name : `library/${name}`;
    return [
      { resolved: name, mirrored: false },
      { resolved: `docker.io/${namesake}`, mirrored: true },
    ];
  },
  async current(name, askedAt) {
    const meanings = this.meanings(name, askedAt);
    const found = name === 'alice/app' ? meanings[0] : meanings.at(-1);
    return found ?? { resolved: name, mirrored: false };
  },
};

const ALICE = basic('alice', 'alice-secret');
/** What the docker daemon sends to its mirror: somebody's login at Docker Hub. */
const HUB_LOGIN = basic('hubuser', 'hubsecret');

let login: LoginRegistry;

beforeEach(async () => {
  login = await createLoginRegistry({
    names,
    access: [
      { who: { account: 'anonymous' }, repository: 'docker.io/secret/**', actions: [] },
      { who: { account: 'anonymous' }, repository: 'docker.io/**', actions: ['pull'] },
      { who: { account: 'anonymous' }, repository: 'gcr.io/**', actions: ['pull'] },
      { who: { account: 'alice' }, repository: 'alice/**', actions: ['pull', 'push'] },
    ],
  });
});

afterEach(() => login[Symbol.asyncDispose]());

interface Claims {
  readonly sub: string;
  readonly access: readonly { readonly name: string; readonly mirrored?: boolean }[];
}

async function claimsFor(
  scope: string,
  options: { authorization?: string; path?: string } = {},
): Promise<Claims> {
  const { authorization, path = '/auth/token' } = options;
  const query = new URLSearchParams({ service: HOST, scope });
  const { body } = await login.get(`${path}?${query}`, authorization).expect(200);
  return JSON.parse(Buffer.from(body.token.split('.')[1], 'base64url').toString());
}

describe('a token for a bare name', () => {
  test('carries the hosted repository and the default upstream’s, each as the rules have it', async () => {
    const own = await claimsFor('repository:alice/app:pull,push', { authorization: ALICE });
    expect(own.access).toEqual([
      { type: 'repository', name: 'alice/app', actions: ['pull', 'push'] },
      { type: 'repository', name: 'docker.io/alice/app', actions: ['pull'], mirrored: true },
    ]);
    const anonymous = await claimsFor('repository:library/nginx:pull');
    expect(anonymous.access).toEqual([
      { type: 'repository', name: 'docker.io/library/nginx', actions: ['pull'], mirrored: true },
    ]);
  });

  test('is meant at the upstream that the realm’s path names', async () => {
    const { access } = await claimsFor('repository:pause:pull', { path: '/auth/token/gcr.io' });
    expect(access).toEqual([{ type: 'repository', name: 'gcr.io/pause', actions: ['pull'], mirrored: true }]);
  });

  test('of another service stays as it was asked', async () => {
    const { body } = await login
      .get('/auth/token?service=other&scope=repository:alice/app:pull', ALICE)
      .expect(200);
    const { access } = JSON.parse(Buffer.from(body.token.split('.')[1], 'base64url').toString());
    expect(access).toEqual([{ type: 'repository', name: 'alice/app', actions: ['pull'] }]);
  });

  test('for a mirrored repository opens no hosted one that is spelled alike', async () => {
    const bearer = await login.bearer(['repository:docker.io/library/nginx:pull']);
    await login.get('/v2/docker.io/library/nginx/tags/list', bearer).expect(401);
  });
});

describe('a Docker Hub login', () => {
  test('is not looked at where anybody may pull what is asked', async () => {
    const claims = await claimsFor('repository:library/nginx:pull', { authorization: HUB_LOGIN });
    expect(claims).toMatchObject({ sub: '', access: [{ name: 'docker.io/library/nginx' }] });
    const form = {
      grant_type: 'refresh_token',
      refresh_token: 'from the hub',
      scope: 'repository:library/nginx:pull',
    };
    await login
      .post('/auth/token')
      .set('Content-Type', 'application/x-www-form-urlencoded')
      .send(new URLSearchParams({ ...form, service: HOST }).toString())
      .expect(200);
    expect(login.audit.lines).toEqual([]);
  });

  test.each([
    ['a push is asked too', 'repository:library/nginx:pull,push'],
    ['something hosted is asked', 'repository:alice/app:pull'],
    ['something that is shut is asked', 'repository:docker.io/secret/app:pull'],
    ['one of several is hosted', 'repository:library/nginx:pull repository:alice/app:pull'],
    ['the catalog is asked', 'registry:catalog:*'],
    ['nothing is asked', ''],
    ['the name is none', 'repository:a/../b:pull'],
  ])('is wrong where %s', async (_, scope) => {
    await login.get(`/auth/token?${new URLSearchParams({ service: HOST, scope })}`, HUB_LOGIN).expect(401);
  });

  test('is wrong where the token is for another service', async () => {
    await login.get('/auth/token?service=other&scope=repository:library/nginx:pull', HUB_LOGIN).expect(401);
  });

  test('does not keep its owner from what is theirs', async () => {
    expect(await claimsFor('repository:alice/app:pull', { authorization: ALICE })).toMatchObject({
      sub: 'alice',
    });
  });
});
