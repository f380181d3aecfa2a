import type { Action } from '../oci/access.ts';
import { isRepositoryName } from '../oci/repository-name.ts';
import type { AccessRules } from './access-rules.ts';
import type { AccessEntry, RefusedEntry } from './access-token.ts';
import type { NameMeaning } from './name-resolver.ts';
import type { Scope } from './scope.ts';

export interface GrantedAccess {
  readonly access: readonly AccessEntry[];
  readonly refused: readonly RefusedEntry[];
}

export interface AccessRequest {
  readonly scopes: readonly Scope[];
  /** Undefined: anonymous. */
  readonly account: string | undefined;
  readonly meanings: (name: string) => readonly NameMeaning[];
}

/**
 * What a token will say: of each scope that which the rules grant, under the names it resolves to. Nothing is
 * ever an error; names that were asked for without getting all of it are kept as refused.
 */
export function grantAccess(rules: AccessRules, { scopes, account, meanings }: AccessRequest): GrantedAccess {
  const access = new Map<string, { entry: AccessEntry; actions: Set<string> }>();
  const refused = new Map<string, RefusedEntry>();
  const add = (entry: AccessEntry) => {
    const key = JSON.stringify([entry.type, entry.class, entry.name, entry.mirrored]);
    const known = access.get(key) ?? { entry, actions: new Set<string>() };
    for (const action of entry.actions) known.actions.add(action);
    access.set(key, known);
  };
  for (const scope of scopes) {
    if (scope.type === 'registry' && scope.name === 'catalog') catalogEntries(scope).forEach(add);
    if (scope.type !== 'repository' || !isRepositoryName(scope.name)) continue;
    for (const { resolved, mirrored } of meanings(scope.name)) {
      const name = { name: resolved, ...(mirrored ? { mirrored } : {}) } as const;
      const { granted, isWhole } = intersect(scope.actions, rules.actionsOf(account, resolved));
      const kind = { type: 'repository', ...(scope.class === undefined ? {} : { class: scope.class }) };
      if (granted.length > 0) add({ ...kind, ...name, actions: granted });
      if (!isWhole) refused.set(JSON.stringify(name), name);
    }
  }
  return {
    access: [...access.values()].map(({ entry, actions }) => ({ ...entry, actions: [...actions] })),
    refused: [...refused.values()],
  };
}

/** The list is everybody's; what stands in it is filtered. docker search asks for `search`. */
function catalogEntries({ type, name, actions }: Scope): readonly AccessEntry[] {
  const granted = actions.filter((action) => action === '*' || action === 'search');
  return granted.length === 0 ? [] : [{ type, name, actions: granted }];
}

const EVERY_ACTION = ['pull', 'push', 'delete'] as const satisfies readonly Action[];

/** skopeo delete asks for `*`, and is content with what it gets of it. */
function intersect(
  asked: readonly string[],
  allowed: readonly Action[],
): { readonly granted: readonly Action[]; readonly isWhole: boolean } {
  const all = allowed.includes('*') ? ([...EVERY_ACTION, '*'] as const) : allowed;
  if (asked.includes('*'))
    return { granted: all, isWhole: EVERY_ACTION.every((action) => all.includes(action)) };
  const granted = EVERY_ACTION.filter((action) => asked.includes(action) && all.includes(action));
  return { granted, isWhole: granted.length === asked.length };
}
