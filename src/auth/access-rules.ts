import type { Action } from '../oci/access.ts';
import { accountNameFault } from './account-name.ts';
import { matchesPattern, parseRepositoryPattern } from './repository-pattern.ts';

/** Who, which repositories, which actions. */
export interface AccessRule {
  /** An account's name, `*` for any that logged in, `anonymous` for everybody; or the members of a group. */
  readonly who: { readonly account: string } | { readonly group: string };
  /** A pattern; see parseRepositoryPattern. */
  readonly repository: string;
  /** All that is granted; none shuts. */
  readonly actions: readonly Action[];
}

export interface AccessRulesOptions {
  readonly rules: readonly AccessRule[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Names and aliases of the upstreams: no account's own namespace. */
  readonly upstreamNames: readonly string[];
}

/** The first rule that matches who and repository decides. */
export class AccessRules {
  readonly #actionsOf: AccessRules['actionsOf'];

  /** @throws SyntaxError when a pattern cannot be understood */
  constructor({ rules, groups, upstreamNames }: AccessRulesOptions) {
    const members = new Map(Object.entries(groups).map(([group, accounts]) => [group, new Set(accounts)]));
    const parsed = rules.map(({ who, repository, actions }) => {
      const pattern = parseRepositoryPattern(repository);
      const isMeant = 'group' in who ? isMember(members.get(who.group)) : isAccount(who.account);
      return { isMeant, pattern, actions };
    });
    this.#actionsOf = (account, repository) => {
      const ownsNamespace = account !== undefined && accountNameFault(account, upstreamNames) === undefined;
      const subject = { name: repository, account: ownsNamespace ? account : undefined };
      const found = parsed.find((rule) => rule.isMeant(account) && matchesPattern(rule.pattern, subject));
      return found?.actions ?? [];
    };
  }

  /**
   * @param account undefined for who did not log in
   * @param repository the resolved name
   * @returns all that is granted; `*` is every action
   */
  actionsOf(account: string | undefined, repository: string): readonly Action[] {
    return this.#actionsOf(account, repository);
  }

  allows(
    account: string | undefined,
    { repository, action }: { repository: string; action: Action },
  ): boolean {
    const actions = this.actionsOf(account, repository);
    return actions.includes(action) || actions.includes('*');
  }
}

type IsMeant = (account: string | undefined) => boolean;

function isMember(members: ReadonlySet<string> | undefined): IsMeant {
  return (account) => account !== undefined && members?.has(account) === true;
}

function isAccount(named: string): IsMeant {
  if (named === 'anonymous') return () => true;
  return (account) => account !== undefined && (named === '*' || named === account);
}
