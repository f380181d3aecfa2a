import { describe, expect, test } from 'vitest';
import { type AccessRule, AccessRules } from '../../../src/auth/access-rules.ts';

const OWN = ['$', '{account}/**'].join('');

const DEFAULT: readonly AccessRule[] = [
  { who: { group: 'admins' }, repository: '**', actions: ['*'] },
  { who: { account: '*' }, repository: OWN, actions: ['pull', 'push', 'delete'] },
  { who: { account: 'anonymous' }, repository: 'docker.io/**', actions: ['pull'] },
];

function rulesOf(rules: readonly AccessRule[]): AccessRules {
  return new AccessRules({ rules, groups: { admins: ['root'] }, upstreamNames: ['docker.io'] });
}

describe('the default rules', () => {
  const rules = rulesOf(DEFAULT);

  test('let everybody do everything below their own name, and nothing elsewhere', () => {
    expect(rules.actionsOf('alice', 'alice/app')).toEqual(['pull', 'push', 'delete']);
    expect(rules.actionsOf('alice', 'bob/app')).toEqual([]);
    expect(rules.actionsOf('alice', 'alice')).toEqual([]);
    expect(rules.actionsOf(undefined, 'alice/app')).toEqual([]);
  });

  test('let anyone pull what is mirrored', () => {
    expect(rules.actionsOf(undefined, 'docker.io/library/nginx')).toEqual(['pull']);
    expect(rules.actionsOf('alice', 'docker.io/library/nginx')).toEqual(['pull']);
  });

  test('let administrators do everything', () => {
    expect(rules.allows('root', { repository: 'alice/app', action: 'delete' })).toBe(true);
    expect(rules.allows(undefined, { repository: 'alice/app', action: 'pull' })).toBe(false);
  });

  test.each(['*', '**', OWN.slice(0, -3), 'anonymous', 'library', 'docker.io', 'Alice', 'a/b'])(
    'give an account called %s no namespace',
    (account) => {
      for (const name of ['alice/app', 'library/nginx', `${account}/app`]) {
        expect(rules.allows(account, { repository: name, action: 'push' })).toBe(false);
      }
    },
  );
});

describe('rules', () => {
  test('are decided by the first that matches who and repository', () => {
    const rules = rulesOf([
      { who: { account: 'alice' }, repository: 'shared/secret', actions: [] },
      { who: { account: 'anonymous' }, repository: 'shared/**', actions: ['pull'] },
      { who: { account: '*' }, repository: 'shared/**', actions: ['pull', 'push'] },
    ]);
    expect(rules.actionsOf('alice', 'shared/secret')).toEqual([]);
    expect(rules.actionsOf('bob', 'shared/secret')).toEqual(['pull']);
    expect(rules.actionsOf('bob', 'shared/app')).toEqual(['pull']);
  });

  test('for any account are not for nobody', () => {
    const rules = rulesOf([{ who: { account: '*' }, repository: '**', actions: ['pull'] }]);
    expect(rules.actionsOf(undefined, 'a')).toEqual([]);
    expect(rules.actionsOf('alice', 'a')).toEqual(['pull']);
  });

  test('of a group that nobody is in are for nobody', () => {
    const rules = rulesOf([{ who: { group: 'nobodies' }, repository: '**', actions: ['*'] }]);
    expect(rules.actionsOf('root', 'a')).toEqual([]);
    expect(rules.actionsOf(undefined, 'a')).toEqual([]);
  });
});
