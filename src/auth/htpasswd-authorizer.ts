import type { AccessNeed, Authorizer, Caller, Grant } from '../oci/access.ts';
import { audit } from './audit.ts';
import { type AuditedLoginOptions, auditedLogin } from './audited-login.ts';
import { parseAuthorization } from './authorization-header.ts';
import { basicChallenge, WRONG_PASSWORD } from './challenge.ts';
import { openGrant } from './grants.ts';

export interface HtpasswdAuthorizerOptions extends AuditedLoginOptions {
  readonly realm: string;
}

/** distribution's `auth.htpasswd`: who has a password does everything. */
export class HtpasswdAuthorizer implements Authorizer {
  readonly anonymous = undefined;
  readonly #options: HtpasswdAuthorizerOptions;

  constructor(options: HtpasswdAuthorizerOptions) {
    this.#options = options;
  }

  async authorize(caller: Caller, needs: readonly AccessNeed[]): Promise<Grant> {
    const { realm, auditLog } = this.#options;
    const credentials = parseAuthorization(caller.authorization);
    if (credentials.kind !== 'basic') throw basicChallenge(needs, { realm });
    const { account, password } = credentials;
    const result = await auditedLogin(this.#options, { account, password, caller });
    if (result.kind === 'wrong') throw basicChallenge(needs, { realm, message: WRONG_PASSWORD });
    if (result.kind === 'right') audit(auditLog, 'login', { caller, account });
    return openGrant(account);
  }
}
