import type { Action } from '../oci/access.ts';
import { accountNameFault } from './account-name.ts';
import { matchesPattern, parseRepositoryPattern, type RepositoryPattern } from './repository-pattern.ts';

/** Who (`account`, `group`, either is enough), which repositories, which actions. */
export interface AccessRule {
  /** A name, `*` for any account that logged in, `anonymous` for everybody. */
  readonly account?: string | undefined;
  readonly group?: string | undefined;
  /** A pattern; see parseRepositoryPattern. */
  readonly repository: string;
  /** None shuts. */
  readonly actions: readonly Action[];
}

export interface AccessRulesOptions {
  readonly rules: readonly AccessRule[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Names and aliases of the upstreams: no account's own namespace. */
  readonly upstreamNames: readonly string[];
}

/**
 * Everybody pushes and pulls below their own name, mirrored upstreams can be pulled by anyone, administrators
 * do everything.
 */
export function defaultAccessRules(upstreams: readonly string[]): readonly AccessRule[] {
  return [
    { group: 'admins', repository: '**', actions: ['*'] },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the rules' own placeholder
    { account: '*', repository: '${account}/**', actions: ['pull', 'push', 'delete'] },
    ...upstreams.map(
      (upstream): AccessRule => ({
        account: 'anonymous',
        repository: `${upstream}/**`,
        actions: ['pull'],
      }),
    ),
  ];
}

/** The first rule that matches who and repository decides. */
export class AccessRules {
  readonly #rules: readonly { readonly rule: AccessRule; readonly pattern: RepositoryPattern }[];
  readonly #groups: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #upstreamNames: readonly string[];

  /** @throws SyntaxError when a pattern cannot be understood */
  constructor({ rules, groups, upstreamNames }: AccessRulesOptions) {
    this.#rules = rules.map((rule) => ({ rule, pattern: parseRepositoryPattern(rule.repository) }));
    this.#groups = new Map(Object.entries(groups).map(([group, members]) => [group, new Set(members)]));
    this.#upstreamNames = upstreamNames;
  }

  /**
   * @param account undefined for who did not log in
   * @param repository the resolved name
   * @returns all that is granted; `*` is every action
   */
  actionsOf(account: string | undefined, repository: string): readonly Action[] {
    const own = account === undefined || accountNameFault(account, this.#upstreamNames) ? undefined : account;
    const found = this.#rules.find(
      ({ rule, pattern }) =>
        this.#isMeant(rule, account) && matchesPattern(pattern, { name: repository, account: own }),
    );
    return found?.rule.actions ?? [];
  }

  allows(
    account: string | undefined,
    { repository, action }: { repository: string; action: Action },
  ): boolean {
    const actions = this.actionsOf(account, repository);
    return actions.includes(action) || actions.includes('*');
  }

  #isMeant({ account: named, group }: AccessRule, account: string | undefined): boolean {
    if (named === 'anonymous') return true;
    if (account === undefined) return false;
    if (named === '*' || named === account) return true;
    return group !== undefined && this.#groups.get(group)?.has(account) === true;
  }
}
