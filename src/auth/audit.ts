import type { Caller } from '../oci/access.ts';

/** Where audit lines go: at info, whatever the level of the other lines is. */
export interface AuditLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** What login tells the audit; pushes and deletes are told where they happen, with the same fields. */
export type AuditEvent = 'login' | 'login refused' | 'request denied';

export interface AuditFields {
  readonly caller: Caller;
  readonly account: string | undefined;
  readonly repository?: string | undefined;
}

/** Characters; names come from whoever asks. */
const MAX_LENGTH = 255;

export function audit(log: AuditLog, event: AuditEvent, { caller, account, repository }: AuditFields): void {
  const fields = {
    audit: event,
    account: account?.slice(0, MAX_LENGTH),
    address: caller.address,
    repository: repository?.slice(0, MAX_LENGTH),
    reference: caller.reference?.slice(0, MAX_LENGTH),
    requestId: caller.requestId,
  };
  log.info(fields, 'audit');
}
