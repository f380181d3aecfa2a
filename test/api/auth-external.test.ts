import { generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import {
  ExternalTokenAuthorizer,
  type ExternalTokenAuthorizerOptions,
} from '../../src/auth/external-token-authorizer.ts';
import { SIGNING_ALGORITHMS } from '../../src/config/types/auth.ts';
import { collectLog } from '../support/collected-log.ts';
import { createTestRegistry } from '../support/test-registry.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const HOST = 'registry.example';

/** What a token service of somebody else signs. */
function token(access: readonly object[], claims: object = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const standard = { iss: 'issuer', aud: 'service', sub: 'alice', nbf: now, exp: now + 60 };
  return jwt.sign({ ...standard, access, ...claims }, privateKey, { algorithm: 'ES256', keyid: 'key' });
}

function start(options: Partial<ExternalTokenAuthorizerOptions> = {}) {
  const auditLog = collectLog();
  const authorizer = new ExternalTokenAuthorizer({
    realm: 'https://auth.example/token',
    autoRedirectPath: undefined,
    service: 'service',
    issuer: 'issuer',
    algorithms: SIGNING_ALGORITHMS,
    trust: { roots: [], keys: new Map([['key', publicKey]]) },
    auditLog,
    now: Date.now,
    ...options,
  });
  const { app } = createTestRegistry({ authorizer });
  const send = (method: 'get' | 'post' | 'put', path: string, bearer?: string) => {
    const sent = request(app)[method](path).set('Host', HOST);
    return bearer === undefined ? sent : sent.set('Authorization', `Bearer ${bearer}`);
  };
  return { send, auditLog };
}

const CHALLENGE = 'Bearer realm="https://auth.example/token",service="service"';
const repository = (name: string, ...actions: string[]) => ({ type: 'repository', name, actions });

describe('auth.token', () => {
  test('sends clients to its realm with what they need', async () => {
    const { send } = start();
    for (const [path, scope] of [
      ['/v2/', ''],
      ['/v2/a/b/tags/list', ',scope="repository:a/b:pull"'],
      ['/v2/_catalog', ',scope="registry:catalog:*"'],
    ] as const) {
      const { headers } = await send('get', path).expect(401);
      expect(headers['www-authenticate']).toBe(`${CHALLENGE}${scope}`);
    }
    const wrong = await send('get', '/v2/', 'forged').expect(401);
    expect(wrong.headers['www-authenticate']).toBe(`${CHALLENGE},error="invalid_token"`);
  });

  test('does what a token names, and nothing else', async () => {
    const { send, auditLog } = start();
    await send('get', '/v2/', token([])).expect(200);
    await send('post', '/v2/a/blobs/uploads/', token([repository('a', 'pull', 'push')])).expect(202);
    await send('post', '/v2/a/blobs/uploads/', token([repository('a', '*')])).expect(202);
    await send('get', '/v2/_catalog', token([{ type: 'registry', name: 'catalog', actions: ['*'] }])).expect(
      200,
    );
    const denied = await send('post', '/v2/a/blobs/uploads/', token([repository('a', 'pull')])).expect(401);
    expect(denied.headers['www-authenticate']).toBe(
      `${CHALLENGE},scope="repository:a:pull,push",error="insufficient_scope"`,
    );
    await send('get', '/v2/b/tags/list', token([repository('a', '*')])).expect(401);
    expect(auditLog.lines[0]?.fields).toMatchObject({
      audit: 'request denied',
      account: 'alice',
      repository: 'a',
    });
  });

  test('lets a search name what the token opens, and all there is with the catalog', async () => {
    const { send } = start();
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    for (const name of ['mine', 'foreign']) {
      await send('put', `/v2/${name}/manifests/v1`, token([repository(name, 'pull', 'push')]))
        .set('Content-Type', mediaType)
        .send(JSON.stringify({ schemaVersion: 2, mediaType, manifests: [] }))
        .expect(201);
    }
    const found = async (...access: object[]) => {
      const { body } = await send('get', '/v1/search', token(access)).expect(200);
      return body.results.map(({ name }: { name: string }) => name).toSorted();
    };
    expect(await found()).toEqual([]);
    expect(await found(repository('mine', 'pull'), repository('foreign', 'push'))).toEqual(['mine']);
    for (const action of ['*', 'search']) {
      expect(await found({ type: 'registry', name: 'catalog', actions: [action] })).toEqual([
        'foreign',
        'mine',
      ]);
    }
  });

  test('works the realm out from the host asked where autoredirect says so', async () => {
    const { send } = start({ autoRedirectPath: '/auth/token' });
    const { headers } = await send('get', '/v2/').expect(401);
    expect(headers['www-authenticate']).toBe(`Bearer realm="https://${HOST}/auth/token",service="service"`);
    const plain = await send('get', '/v2/').set('X-Forwarded-Proto', 'http').expect(401);
    expect(plain.headers['www-authenticate']).toBe(
      `Bearer realm="http://${HOST}/auth/token",service="service"`,
    );
  });
});
