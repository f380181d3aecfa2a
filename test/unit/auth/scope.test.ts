import { describe, expect, test } from 'vitest';
import { parseAuthorization } from '../../../src/auth/authorization-header.ts';
import { bearerChallenge } from '../../../src/auth/challenge.ts';
import { parseScopes } from '../../../src/auth/scope.ts';
import type { AccessNeed } from '../../../src/oci/access.ts';

describe('scopes', () => {
  test('come repeated and joined by spaces', () => {
    expect(parseScopes(['repository:a:pull repository:b/c:push,pull', 'registry:catalog:*'])).toEqual([
      { type: 'repository', class: undefined, name: 'a', actions: ['pull'] },
      { type: 'repository', class: undefined, name: 'b/c', actions: ['push', 'pull'] },
      { type: 'registry', class: undefined, name: 'catalog', actions: ['*'] },
    ]);
  });

  test('may hold a class, and a colon in their name', () => {
    expect(parseScopes(['repository(plugin):host:5000/a:pull'])).toEqual([
      { type: 'repository', class: 'plugin', name: 'host:5000/a', actions: ['pull'] },
    ]);
  });

  test.each(['', 'a', 'a:b', 'repository:a:', 'repository:a:pull;push', ':a:pull', 'repository:a:pull,'])(
    'that cannot be understood are left out: %j',
    (text) => {
      expect(parseScopes([text])).toEqual([]);
    },
  );

  test('are refused by the megabyte and by the thousand', () => {
    expect(parseScopes([`repository:${'a'.repeat(1 << 20)}:pull`])).toBeUndefined();
    expect(parseScopes(Array<string>(1000).fill('a:b:c'))).toBeUndefined();
  });
});

describe('credentials', () => {
  const basic = (text: string) => parseAuthorization(`Basic ${Buffer.from(text).toString('base64')}`);

  test('are a name and a password, which may hold colons', () => {
    expect(basic('alice:a:b')).toEqual({ kind: 'basic', account: 'alice', password: 'a:b' });
    expect(parseAuthorization('bearer abc')).toEqual({ kind: 'bearer', token: 'abc' });
  });

  test('are none when they are missing or an empty pair', () => {
    expect(parseAuthorization(undefined).kind).toBe('none');
    expect(parseAuthorization('').kind).toBe('none');
    expect(basic(':').kind).toBe('none');
  });

  test.each(['Basic', 'Basic !!!', 'Bearer', 'Digest x', 'alice:secret'])(
    '%j are of no known kind',
    (text) => {
      expect(parseAuthorization(text).kind).toBe('unknown');
    },
  );
});

describe('a challenge', () => {
  const need = (asked: string, ...actions: AccessNeed['actions'][number][]): AccessNeed => ({
    type: 'repository',
    asked,
    resolved: asked,
    mirrored: false,
    actions,
  });

  test('names realm, service and the scopes that would do', () => {
    const error = bearerChallenge([need('a', 'pull', 'push'), need('b', 'pull')], {
      realm: 'http://h/auth/token',
      service: 'h',
      error: 'insufficient_scope',
    });
    expect(error.status).toBe(401);
    expect(error.headers['www-authenticate']).toBe(
      'Bearer realm="http://h/auth/token",service="h",scope="repository:a:pull,push repository:b:pull",error="insufficient_scope"',
    );
    expect(error.detail).toContainEqual({ Type: 'repository', Class: '', Name: 'a', Action: 'push' });
  });

  test('has no scope where nothing special is needed', () => {
    const error = bearerChallenge([], { realm: 'r', service: 's' });
    expect(error.headers['www-authenticate']).toBe('Bearer realm="r",service="s"');
  });

  test('cannot be broken out of', () => {
    const error = bearerChallenge([], { realm: 'r', service: 'a",realm="http://evil"\r\nX: y' });
    expect(error.headers['www-authenticate']).toBe(
      'Bearer realm="r",service="a\\",realm=\\"http://evil\\"X: y"',
    );
  });
});
