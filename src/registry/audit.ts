import type { AuditEntry, RepositoryExchange } from './registry-api.ts';

/** Notes a change that was made. */
export function record(
  { api, ctx, grant, repository }: RepositoryExchange,
  change: Pick<AuditEntry, 'audit' | 'reference'>,
): void {
  const { address, requestId } = ctx.state.caller;
  api.audit({ ...change, account: grant.account, address, repository: repository.stored, requestId });
}
