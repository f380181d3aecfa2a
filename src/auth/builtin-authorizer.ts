import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { AccessNeed, Authorizer, Caller, Grant } from '../oci/access.ts';
import type { AccessRules } from './access-rules.ts';
import { LEEWAY, readAccessToken, type VerifiedToken } from './access-token.ts';
import { audit } from './audit.ts';
import { type AuditedLoginOptions, auditedLogin, type NameAndPassword } from './audited-login.ts';
import { parseAuthorization } from './authorization-header.ts';
import { type BearerError, bearerChallenge } from './challenge.ts';
import { meets, ruleGrant, tokenGrant } from './grants.ts';
import type { KeyRing } from './key-ring.ts';
import { type RealmOptions, realmOf, serviceOf } from './token-realm.ts';

export interface BuiltinAuthorizerOptions extends RealmOptions, AuditedLoginOptions {
  readonly issuer: string;
  readonly keys: KeyRing;
  readonly rules: AccessRules;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Tokens whose signature is known to be right. */
const REMEMBERED_TOKENS = 5000;

interface Judged {
  readonly token: VerifiedToken;
  readonly grant: Grant;
}

/** The built-in mode on the registry's side: tokens of the own token service, or name and password at once. */
export class BuiltinAuthorizer implements Authorizer {
  readonly anonymous: Grant;
  readonly #options: BuiltinAuthorizerOptions;
  readonly #judged = new LRUCache<string, Judged>({ max: REMEMBERED_TOKENS });

  constructor(options: BuiltinAuthorizerOptions) {
    this.#options = options;
    this.anonymous = ruleGrant(options.rules, undefined);
  }

  async authorize(caller: Caller, needs: readonly AccessNeed[]): Promise<Grant> {
    const credentials = parseAuthorization(caller.authorization);
    switch (credentials.kind) {
      case 'none':
      case 'unknown':
        throw this.#challenge(caller, needs);
      case 'basic':
        return this.#authorizeAccount(caller, needs, credentials);
      case 'bearer':
        return this.#authorizeToken(caller, needs, credentials.token);
      default:
        return credentials satisfies never;
    }
  }

  async #authorizeAccount(
    caller: Caller,
    needs: readonly AccessNeed[],
    { account, password }: NameAndPassword,
  ): Promise<Grant> {
    const { auditLog, rules } = this.#options;
    if (this.#isPublicMirrorPull(needs)) return this.anonymous;
    const result = await auditedLogin(this.#options, { account, password, caller });
    if (result.kind === 'wrong') throw this.#challenge(caller, needs);
    if (result.kind === 'right') audit(auditLog, 'login', { caller, account });
    return this.#admit(ruleGrant(rules, account), caller, needs);
  }

  async #authorizeToken(caller: Caller, needs: readonly AccessNeed[], text: string): Promise<Grant> {
    const judged = await this.#judge(text);
    if (judged === undefined || !this.#isInTime(judged.token) || !this.#isForThis(judged.token, caller)) {
      this.#auditDenied(undefined, caller, needs);
      throw this.#challenge(caller, needs, 'invalid_token');
    }
    return this.#admit(judged.grant, caller, needs);
  }

  #admit(grant: Grant, caller: Caller, needs: readonly AccessNeed[]): Grant {
    if (meets(grant, needs)) return grant;
    this.#auditDenied(grant.account, caller, needs);
    throw this.#challenge(caller, needs, 'insufficient_scope');
  }

  async #judge(text: string): Promise<Judged | undefined> {
    const { keys, issuer, rules } = this.#options;
    const digest = createHash('sha256').update(text).digest('base64');
    const known = this.#judged.get(digest);
    if (known !== undefined && keys.verifying().some(({ kid }) => kid === known.token.kid)) return known;
    const token = await readAccessToken(text, { keys, issuer });
    if (token === undefined) return undefined;
    const judged = { token, grant: tokenGrant(rules, token) };
    this.#judged.set(digest, judged);
    return judged;
  }

  #isInTime({ expires, notBefore }: VerifiedToken): boolean {
    const now = this.#options.now() / 1000;
    return now <= expires + LEEWAY && now >= notBefore - LEEWAY;
  }

  #isForThis({ service }: VerifiedToken, caller: Caller): boolean {
    return service.toLowerCase() === serviceOf(this.#options, caller).toLowerCase();
  }

  /** The docker daemon sends a person's Docker Hub login to its mirror: what anybody may have needs no look at it. */
  #isPublicMirrorPull(needs: readonly AccessNeed[]): boolean {
    const isPull = (need: AccessNeed) => need.mirrored && need.actions.every((action) => action === 'pull');
    const here = needs.map(({ alternative: _, ...need }) => need);
    return needs.length > 0 && needs.every(isPull) && meets(this.anonymous, here);
  }

  #challenge(caller: Caller, needs: readonly AccessNeed[], error?: BearerError): Error {
    const realm = realmOf(this.#options, caller);
    return bearerChallenge(needs, { realm, service: serviceOf(this.#options, caller), error });
  }

  #auditDenied(account: string | undefined, caller: Caller, needs: readonly AccessNeed[]): void {
    const repository = needs.find(({ type }) => type === 'repository')?.resolved;
    audit(this.#options.auditLog, 'request denied', { caller, account, repository });
  }
}
