import { describe, expect, it } from 'vitest';
import { ACCOUNT, patternProblem } from '../../../src/config/access-pattern.ts';
import { parse, problemsOf, warningsOf } from '../../support/parse.ts';

const builtin = (more: string): string => `auth: { builtin: { users: /u, ${more} } }`;

describe('auth', () => {
  it.each(['', 'auth:', 'auth: none', 'auth: { none: }'])('is none for %j', (yaml) => {
    expect(parse(yaml).config.auth).toEqual({ mode: 'none' });
  });

  it('refuses silly, with the reason', () => {
    expect(problemsOf('auth: { silly: { realm: a, service: b } }')).toEqual([
      expect.stringMatching(/^auth.silly: is refused: it lets everybody in/),
    ]);
  });

  it('is one', () => {
    expect(problemsOf('auth: { htpasswd: { realm: a, path: /b }, builtin: { users: /c } }')).toEqual([
      'auth: must name exactly one way, found htpasswd and builtin',
    ]);
  });

  it('knows the token service of distribution', () => {
    const yaml =
      'auth: { token: { realm: "https://a/t", service: s, issuer: i, jwks: /j, autoredirect: true } }';
    expect(parse(yaml).config.auth).toMatchObject({
      mode: 'token',
      jwks: '/j',
      rootCertBundle: undefined,
      autoRedirectPath: '/auth/token/',
      signingAlgorithms: expect.arrayContaining(['ES256', 'RS256']),
    });
    expect(problemsOf('auth: { token: { realm: "https://a/t", service: s, issuer: i } }')).toEqual([
      'auth.token: needs a rootcertbundle or jwks to check tokens with',
    ]);
  });
});

describe('auth.builtin', () => {
  it('has defaults for all but the users', () => {
    expect(parse('auth: { builtin: { users: /u } }').config.auth).toMatchObject({
      mode: 'builtin',
      users: '/u',
      realm: undefined,
      service: undefined,
      issuer: 'fairlead',
      keys: [],
      expiration: 300_000,
      throttle: { account: 5, address: 20, window: 60_000 },
    });
    expect(problemsOf('auth: builtin')).toEqual(['auth.builtin.users: must be given']);
  });

  it('takes one key or several', () => {
    expect(parse(builtin('key: /a')).config.auth).toMatchObject({ keys: ['/a'] });
    expect(parse(builtin('key: [/a, /b]')).config.auth).toMatchObject({ keys: ['/a', '/b'] });
  });

  it('works its rules out from the upstreams', () => {
    expect(parse(`${builtin('')}\nmirror: { upstreams: [docker.io, gcr.io] }`).config.auth).toMatchObject({
      access: [
        { who: { group: 'admins' }, repository: '**', actions: ['*'] },
        { who: { account: '*' }, repository: `${ACCOUNT}/**`, actions: ['pull', 'push', 'delete'] },
        { who: { account: 'anonymous' }, repository: 'docker.io/**', actions: ['pull'] },
        { who: { account: 'anonymous' }, repository: 'gcr.io/**', actions: ['pull'] },
      ],
    });
  });

  it('lets everybody pull from a server that is a proxy', () => {
    expect(parse(`${builtin('')}\nproxy: { remoteurl: "https://a" }`).config.auth).toMatchObject({
      access: expect.arrayContaining([
        { who: { account: 'anonymous' }, repository: '**', actions: ['pull'] },
      ]),
    });
  });

  it('grants nothing with an empty list of rules', () => {
    expect(parse(builtin('access: []')).config.auth).toMatchObject({ access: [] });
  });

  it('checks every rule', () => {
    const problems = problemsOf(
      builtin(`groups: { builders: [a] }, access: [
        { account: a, group: builders, repository: x, actions: [pull] },
        { repository: x, actions: [pull] },
        { account: a, actions: [pul] },
        { group: bilders, repository: x, actions: [] },
        { account: a, repository: 'x**', actions: [] } ]`),
    );
    expect(problems).toEqual([
      'auth.builtin.access[2].repository: must be given',
      'auth.builtin.access[2].actions[0]: expected pull, push, delete or *, found "pul"',
      'auth.builtin.access[0]: must name either an account or a group',
      'auth.builtin.access[1]: must name either an account or a group',
      'auth.builtin.access[3].group: bilders is not in auth.builtin.groups; did you mean builders?',
      expect.stringMatching(/^auth.builtin.access\[4\].repository: /),
    ]);
  });

  it('warns of tokens that docker keeps for longer', () => {
    expect(warningsOf(builtin('expiration: 2s'))).toHaveLength(1);
  });
});

describe('a pattern', () => {
  it.each(['**', '*', 'a/**', '**/a', 'team-*/x', `${ACCOUNT}/**`, `u-${ACCOUNT}`, 'docker.io/library/*'])(
    '%s is good',
    (pattern) => {
      expect(patternProblem(pattern, { account: true })).toBeUndefined();
    },
  );

  it.each(['', '/a', 'a/', 'a//b', 'a**', '***', 'A/b', '$user/**', 'a b', '$', 'a:b'])(
    '%j is not',
    (pattern) => {
      expect(patternProblem(pattern, { account: true })).toBeDefined();
    },
  );

  it('has no account to fill in everywhere', () => {
    expect(patternProblem(`${ACCOUNT}/**`, { account: false })).toBeDefined();
  });
});
