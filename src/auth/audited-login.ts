import type { Caller } from '../oci/access.ts';
import { RegistryError } from '../oci/errors.ts';
import { type AuditLog, audit } from './audit.ts';
import type { Authenticator, LoginResult } from './authenticator.ts';

export interface AuditedLoginOptions {
  readonly authenticator: Authenticator;
  readonly auditLog: AuditLog;
}

export interface NameAndPassword {
  readonly account: string;
  readonly password: string;
}

/**
 * Every refusal is told, with the throttle's. A success is the caller's to tell: it knows whether it is a login
 * or one of a thousand requests that carry the same password.
 * @throws RegistryError TOOMANYREQUESTS
 */
export async function auditedLogin(
  { authenticator, auditLog }: AuditedLoginOptions,
  { account, password, caller }: NameAndPassword & { readonly caller: Caller },
): Promise<LoginResult> {
  try {
    const result = await authenticator.login({ account, password, address: caller.address });
    if (result.kind === 'wrong') audit(auditLog, 'login refused', { caller, account });
    return result;
  } catch (error) {
    if (error instanceof RegistryError) audit(auditLog, 'login refused', { caller, account });
    throw error;
  }
}
