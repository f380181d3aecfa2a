import type { AccessNeed, Action, Grant } from '../oci/access.ts';
import type { AccessRules } from './access-rules.ts';
import type { AccessEntry, AccessTokenContent } from './access-token.ts';

type Named = Omit<AccessNeed, 'actions' | 'asked'>;

/** Where there is no login: everybody does everything. */
export const OPEN_GRANT: Grant = {
  account: undefined,
  allows: () => true,
  decided: () => true,
  sees: () => true,
};

/** The grant of somebody who may do everything, with a name. */
export function openGrant(account: string): Grant {
  return { ...OPEN_GRANT, account };
}

/** What the rules say of an account (undefined: anonymous); no token narrows it. */
export function ruleGrant(rules: AccessRules, account: string | undefined): Grant {
  const allows = ({ type, resolved }: Named, action: Action): boolean =>
    type === 'registry' || rules.allows(account, { repository: resolved, action });
  return { account, allows, decided: () => true, sees: (need) => allows(need, 'pull') };
}

/** What a token of this server opens. Lists name what the rules let its account pull. */
export function tokenGrant(rules: AccessRules, { account, access, refused }: AccessTokenContent): Grant {
  const isNamed = (need: Named) => (entry: Pick<AccessEntry, 'name' | 'mirrored'>) =>
    entry.name === need.resolved && (entry.mirrored ?? false) === need.mirrored;
  const allows = (need: Named, action: Action): boolean =>
    access.some(
      (entry) =>
        entry.type === need.type &&
        isNamed(need)(entry) &&
        (entry.actions.includes(action) || entry.actions.includes('*')),
    );
  return {
    account,
    allows,
    decided: (need) => access.some(isNamed(need)) || refused.some(isNamed(need)),
    sees: (need) => rules.allows(account, { repository: need.resolved, action: 'pull' }),
  };
}

export function meets(grant: Grant, needs: readonly AccessNeed[]): boolean {
  return needs.every(
    (need) => need.optional === true || allowsAll(grant, need) || allowsAlternative(grant, need),
  );
}

function allowsAll(grant: Grant, need: AccessNeed): boolean {
  return need.actions.every((action) => grant.allows(need, action));
}

function allowsAlternative(grant: Grant, { alternative, ...need }: AccessNeed): boolean {
  return alternative !== undefined && allowsAll(grant, { ...need, ...alternative, mirrored: false });
}
