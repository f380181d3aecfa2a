import type { AccessNeed, Action, Grant } from '../oci/access.ts';
import { RegistryError } from '../oci/errors.ts';
import { isRepositoryName } from '../oci/repository-name.ts';
import type { ResolvedRepository } from '../oci/repository-resolver.ts';
import type { RegistryApi, RegistryContext } from './registry-api.ts';

export interface AuthorizeTarget {
  readonly ctx: RegistryContext;
  readonly api: RegistryApi;
  readonly repository: ResolvedRepository;
  readonly actions: readonly Action[];
}

/** @throws RegistryError UNAUTHORIZED with a challenge */
export function authorizeRepository(target: AuthorizeTarget): Promise<Grant> {
  return target.api.authorizer.authorize(target.ctx.state.caller, [needOf(target)]);
}

/**
 * As `authorizeRepository`, for the hosted repository of a bare name where the mirrored one is shut.
 * @throws RegistryError UNAUTHORIZED with a challenge
 */
export async function authorizeEither(
  target: AuthorizeTarget,
): Promise<{ readonly repository: ResolvedRepository; readonly grant: Grant }> {
  const { repository } = target;
  const { alternative } = repository;
  if (alternative === undefined) return { repository, grant: await authorizeRepository(target) };
  try {
    return { repository, grant: await authorizeRepository(target) };
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'UNAUTHORIZED') throw error;
    try {
      const grant = await authorizeRepository({ ...target, repository: alternative });
      return { repository: alternative, grant };
    } catch {
      throw error;
    }
  }
}

/**
 * A mount needs pull on its source too. Who never asked for that is told both scopes; who asked and was refused
 * is let through, and gets an upload session instead of the mount.
 * @throws RegistryError UNAUTHORIZED with a challenge for both repositories
 */
export async function authorizeMount(target: AuthorizeTarget, from: string): Promise<Grant> {
  const { api, ctx } = target;
  if (!isRepositoryName(from)) return authorizeRepository(target);
  const source: AccessNeed = {
    type: 'repository',
    asked: from,
    resolved: from,
    mirrored: api.isMirrored(from),
    actions: ['pull'],
  };
  const both = [needOf(target), source];
  let grant: Grant;
  try {
    grant = await authorizeRepository(target);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'UNAUTHORIZED') throw error;
    return api.authorizer.authorize(ctx.state.caller, both);
  }
  if (grant.allows(source, 'pull') || grant.decided(source)) return grant;
  return api.authorizer.authorize(ctx.state.caller, both);
}

function needOf({ repository, actions }: AuthorizeTarget): AccessNeed {
  const { asked, stored, mirrored } = repository;
  return { type: 'repository', asked, resolved: stored, mirrored, actions };
}
