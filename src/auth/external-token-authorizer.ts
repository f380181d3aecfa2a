import type { AccessNeed, Action, Authorizer, Caller, Grant } from '../oci/access.ts';
import { type AuditLog, audit } from './audit.ts';
import { parseAuthorization } from './authorization-header.ts';
import { type BearerError, bearerChallenge } from './challenge.ts';
import { type ExternalToken, readExternalToken } from './external-token.ts';
import { meets } from './grants.ts';
import type { Trust } from './trusted-keys.ts';

export interface ExternalTokenAuthorizerOptions {
  readonly realm: string;
  /** Path of the realm on the host asked, in the place of `realm`; undefined: do not. */
  readonly autoRedirectPath: string | undefined;
  readonly service: string;
  readonly issuer: string;
  readonly algorithms: readonly string[];
  readonly trust: Trust;
  readonly auditLog: AuditLog;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** distribution's `auth.token`: what a token of that service names is what its bearer may do. */
export class ExternalTokenAuthorizer implements Authorizer {
  readonly anonymous = undefined;
  readonly #options: ExternalTokenAuthorizerOptions;

  constructor(options: ExternalTokenAuthorizerOptions) {
    this.#options = options;
  }

  async authorize(caller: Caller, needs: readonly AccessNeed[]): Promise<Grant> {
    const credentials = parseAuthorization(caller.authorization);
    if (credentials.kind !== 'bearer') throw this.#challenge(caller, needs);
    const token = readExternalToken(credentials.token, { ...this.#options, now: this.#options.now() });
    if (token === undefined) {
      this.#auditDenied(undefined, caller, needs);
      throw this.#challenge(caller, needs, 'invalid_token');
    }
    const grant = grantOf(token, needs);
    if (meets(grant, needs)) return grant;
    this.#auditDenied(grant.account, caller, needs);
    throw this.#challenge(caller, needs, 'insufficient_scope');
  }

  #challenge(caller: Caller, needs: readonly AccessNeed[], error?: BearerError): Error {
    const { service } = this.#options;
    return bearerChallenge(needs, { realm: this.#realm(caller), service, error });
  }

  /** https unless a proxy says otherwise: distribution works it out so, whatever the connection is. */
  #realm({ forwardedProto = 'https', host }: Caller): string {
    const { autoRedirectPath, realm } = this.#options;
    return autoRedirectPath === undefined ? realm : `${forwardedProto}://${host}${autoRedirectPath}`;
  }

  #auditDenied(account: string | undefined, caller: Caller, needs: readonly AccessNeed[]): void {
    const repository = needs.find(({ type }) => type === 'repository')?.resolved;
    audit(this.#options.auditLog, 'request denied', { caller, account, repository });
  }
}

type Named = Omit<AccessNeed, 'actions' | 'asked'>;

/** The service knows names as they were asked; what this request asked for stands for what it resolved to. */
function grantOf({ account, access }: ExternalToken, needs: readonly AccessNeed[]): Grant {
  const namesOf = ({ type, resolved, mirrored }: Named): readonly string[] => [
    resolved,
    ...needs
      .filter((need) => need.type === type && need.resolved === resolved && need.mirrored === mirrored)
      .map(({ asked }) => asked),
  ];
  const allows = (need: Named, action: Action): boolean => {
    const names = namesOf(need);
    return access.some(
      ({ type, name, actions }) =>
        type === need.type && names.includes(name) && (actions.includes(action) || actions.includes('*')),
    );
  };
  const opensCatalog = access.some(
    ({ type, name, actions }) =>
      type === 'registry' && name === 'catalog' && (actions.includes('*') || actions.includes('search')),
  );
  return {
    account: account === '' ? undefined : account,
    allows,
    decided: (need) => access.some(({ type, name }) => type === need.type && namesOf(need).includes(name)),
    // A search needs no scope; without the catalog's it names no more than the token opens.
    sees: (need) => opensCatalog || allows(need, 'pull'),
  };
}
