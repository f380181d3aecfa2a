import type { AccessNeed, Action, Grant } from '../oci/access.ts';
import type { ResolvedRepository } from '../oci/repository-resolver.ts';
import type { RegistryApi, RegistryContext } from './registry-api.ts';

export interface AuthorizeTarget {
  readonly ctx: RegistryContext;
  readonly api: RegistryApi;
  readonly repository: ResolvedRepository;
  readonly actions: readonly Action[];
}

/**
 * Where the mirrored repository of a bare name is shut, the hosted one takes its place.
 * @returns the repository that the caller may use, and the grant
 * @throws RegistryError UNAUTHORIZED with a challenge
 */
export async function authorizeRepository({ ctx, api, repository, actions }: AuthorizeTarget): Promise<{
  readonly repository: ResolvedRepository;
  readonly grant: Grant;
}> {
  const { alternative } = repository;
  const need = needOf(repository, actions);
  const needs =
    alternative === undefined ? [need] : [{ ...need, alternative: { resolved: alternative.stored } }];
  const grant = await api.authorizer.authorize(ctx.state.caller, needs);
  const isShut = alternative !== undefined && !actions.every((action) => grant.allows(need, action));
  return { repository: isShut ? alternative : repository, grant };
}

/**
 * A mount needs pull on its source too. Who never asked for that is told both scopes; who asked and was refused
 * is let through, and gets an upload session instead of the mount.
 * @throws RegistryError UNAUTHORIZED with a challenge for both repositories
 */
export async function authorizeMount(target: AuthorizeTarget, source: ResolvedRepository): Promise<Grant> {
  const { api, ctx, repository, actions } = target;
  const { caller } = ctx.state;
  const need = needOf(repository, actions);
  const pull = needOf(source, ['pull']);
  const grant = await api.authorizer.authorize(caller, [need, { ...pull, optional: true }]);
  if (grant.allows(pull, 'pull') || grant.decided(pull)) return grant;
  return await api.authorizer.authorize(caller, [need, pull]);
}

function needOf({ asked, stored, mirrored }: ResolvedRepository, actions: readonly Action[]): AccessNeed {
  return { type: 'repository', asked, resolved: stored, mirrored, actions };
}
