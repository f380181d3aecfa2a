import { patternProblem } from '../access-pattern.ts';
import { nearest } from '../kit/nearest.ts';
import type { Report } from '../problems.ts';
import type { Settings } from '../schema/schema.ts';
import type { AccessRule, AuthConfig, BuiltinAuth, TokenAuth } from '../types/auth.ts';

type AuthSettings = Settings['auth'];
type BuiltinSettings = NonNullable<AuthSettings['builtin']>;
type RuleSettings = NonNullable<BuiltinSettings['access']>[number];

/** What clients take for the least, whatever a token says (FIELD: "default and minimum 60 s"). */
const SHORTEST_TOKEN = 60_000;

export function resolveAuth(auth: AuthSettings, report: Report): AuthConfig {
  const given = Object.entries(auth)
    .filter(([, mode]) => mode !== undefined)
    .map(([name]) => name);
  if (given.length > 1) report.problem(`must name exactly one way, found ${given.join(' and ')}`);
  if (auth.silly !== undefined) {
    report
      .at('silly')
      .problem(
        'is refused: it lets everybody in who sends any Authorization header; use builtin, htpasswd or token',
      );
  }
  if (auth.htpasswd !== undefined) return { mode: 'htpasswd', ...auth.htpasswd };
  if (auth.token !== undefined) return resolveToken(auth.token, report.at('token'));
  if (auth.builtin !== undefined) return resolveBuiltin(auth.builtin, report.at('builtin'));
  return { mode: 'none' };
}

function resolveToken(token: NonNullable<AuthSettings['token']>, report: Report): TokenAuth {
  if (token.rootcertbundle === undefined && token.jwks === undefined) {
    report.problem('needs a rootcertbundle or jwks to check tokens with');
  }
  return {
    mode: 'token',
    realm: token.realm,
    service: token.service,
    issuer: token.issuer,
    rootCertBundle: token.rootcertbundle,
    jwks: token.jwks,
    autoRedirectPath: token.autoredirect ? token.autoredirectpath : undefined,
    signingAlgorithms: token.signingalgorithms,
  };
}

function resolveBuiltin(builtin: BuiltinSettings, report: Report): BuiltinAuth {
  if (builtin.realm !== undefined && !isHttpUrl(builtin.realm)) {
    report.at('realm').problem('must be a URL with http:// or https://');
  }
  if (builtin.expiration < SHORTEST_TOKEN) {
    report.at('expiration').warning('docker takes every token for valid for a minute at least');
  }
  const access = (builtin.access ?? []).map((rule, index) =>
    resolveRule(rule, { groups: builtin.groups, report: report.at('access').at(index) }),
  );
  return {
    mode: 'builtin',
    users: builtin.users,
    realm: builtin.realm,
    service: builtin.service,
    issuer: builtin.issuer,
    keys: builtin.key,
    expiration: builtin.expiration,
    throttle: builtin.throttle,
    groups: builtin.groups,
    access,
  };
}

interface RuleContext {
  readonly groups: BuiltinSettings['groups'];
  readonly report: Report;
}

function resolveRule(rule: RuleSettings, { groups, report }: RuleContext): AccessRule {
  const { account, group, repository, actions } = rule;
  const wrong = repository === undefined ? undefined : patternProblem(repository, { account: true });
  if (wrong !== undefined) report.at('repository').problem(wrong);
  if (account !== undefined && group === undefined) return { who: { account }, repository, actions };
  if (account === undefined && group !== undefined) {
    // The default rules name `admins` whether there are any or not.
    if (!Object.hasOwn(groups, group) && group !== 'admins') {
      const meant = nearest(group, Object.keys(groups));
      report
        .at('group')
        .problem(
          `${group} is not in auth.builtin.groups${meant === undefined ? '' : `; did you mean ${meant}?`}`,
        );
    }
    return { who: { group }, repository, actions };
  }
  report.problem('must name either an account or a group');
  return { who: { account: '' }, repository, actions };
}

function isHttpUrl(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '');
}
