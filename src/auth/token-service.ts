import type { Caller } from '../oci/access.ts';
import { isRepositoryName } from '../oci/repository-name.ts';
import type { AccessRules } from './access-rules.ts';
import { issueAccessToken } from './access-token.ts';
import { audit } from './audit.ts';
import { type AuditedLoginOptions, auditedLogin } from './audited-login.ts';
import type { UserHashes } from './authenticator.ts';
import { basicChallenge, WRONG_PASSWORD } from './challenge.ts';
import { type GrantedAccess, grantAccess } from './granted-access.ts';
import type { KeyRing, SealRing } from './key-ring.ts';
import type { AskedAt, NameResolver } from './name-resolver.ts';
import { openRefreshToken, sealRefreshToken } from './refresh-token.ts';
import { formatScope, type Scope } from './scope.ts';
import { isOwnService, type RealmOptions, serviceOf } from './token-realm.ts';
import type { TokenRequest } from './token-request.ts';

export interface TokenServiceOptions extends RealmOptions, AuditedLoginOptions {
  readonly issuer: string;
  /** Milliseconds for which an access token is valid. */
  readonly expiration: number;
  readonly keys: KeyRing;
  readonly seals: SealRing;
  readonly users: Pick<UserHashes, 'refresh' | 'hashOf'>;
  readonly rules: AccessRules;
  readonly names: NameResolver;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the client is answered, in both protocols. */
export interface TokenAnswer {
  readonly token: string;
  readonly access_token: string;
  readonly expires_in: number;
  readonly issued_at: string;
  readonly scope: string;
  readonly refresh_token?: string;
}

export interface TokenAsked {
  readonly request: TokenRequest;
  readonly caller: Caller;
  /** What stood behind the endpoint's path. */
  readonly upstream: string | undefined;
}

/** The built-in token service: who asks, what the rules give, a token that says so. */
export class TokenService {
  readonly #options: TokenServiceOptions;

  constructor(options: TokenServiceOptions) {
    this.#options = options;
  }

  /** @throws RegistryError UNAUTHORIZED for wrong credentials, TOOMANYREQUESTS */
  async issue(asked: TokenAsked): Promise<TokenAnswer> {
    const { request, caller } = asked;
    const who = (await this.#isPublicMirrorPull(asked)) ? NOBODY : await this.#identify(request, caller);
    const { account } = who;
    const granted = this.#grant(asked, account);
    const { keys, issuer, now } = this.#options;
    const seconds = Math.floor(now() / 1000);
    const expiration = Math.floor(this.#options.expiration / 1000);
    const service = request.service ?? serviceOf(this.#options, caller);
    const token = issueAccessToken(
      keys,
      { account, ...granted },
      { issuer, service, expiration, now: seconds },
    );
    const refreshToken = this.#refreshToken(request, who);
    return {
      token,
      access_token: token,
      expires_in: expiration,
      issued_at: new Date(seconds * 1000).toISOString().replace('.000', ''),
      scope: granted.access.map(formatScope).join(' '),
      ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    };
  }

  #grant({ request, caller, upstream }: TokenAsked, account: string | undefined): GrantedAccess {
    const { rules, names } = this.#options;
    const askedAt: AskedAt = { host: caller.host, upstream };
    const meanings = this.#isOwn(request, caller)
      ? (name: string) => names.meanings(name, askedAt)
      : (name: string) => [{ resolved: name, mirrored: false }];
    return grantAccess(rules, { scopes: request.scopes, account, meanings });
  }

  #isOwn({ service }: TokenRequest, caller: Caller): boolean {
    return service === undefined || isOwnService(this.#options, service, caller);
  }

  /** Wrong credentials are never taken for nobody's. */
  async #identify({ credentials }: TokenRequest, caller: Caller): Promise<Identity> {
    switch (credentials.kind) {
      case 'none':
        return NOBODY;
      case 'unknown':
        throw wrongCredentials();
      case 'password': {
        const result = await auditedLogin(this.#options, { ...credentials, caller });
        if (result.kind === 'wrong') throw wrongCredentials();
        audit(this.#options.auditLog, 'login', { caller, account: credentials.account });
        return { account: credentials.account, hash: result.hash };
      }
      case 'refresh token':
        return { account: await this.#refreshing(credentials.token, caller), hash: undefined };
      default:
        return credentials satisfies never;
    }
  }

  async #refreshing(token: string, caller: Caller): Promise<string> {
    const { users, seals, auditLog } = this.#options;
    await users.refresh(0);
    const account = await openRefreshToken(token, { seals, hashOf: (name) => users.hashOf(name) });
    if (account !== undefined) return account;
    audit(auditLog, 'login refused', { caller, account: undefined });
    throw wrongCredentials('the login has ended: log in again');
  }

  /**
   * The docker daemon sends a person's Docker Hub login to its mirror: pulls of mirrored repositories which
   * anybody may have are answered without a look at it.
   */
  async #isPublicMirrorPull({ request, caller, upstream }: TokenAsked): Promise<boolean> {
    if (request.scopes.length === 0 || !this.#isOwn(request, caller)) return false;
    const askedAt: AskedAt = { host: caller.host, upstream };
    for (const scope of request.scopes) {
      if (!isPull(scope)) return false;
      const { resolved, mirrored } = await this.#options.names.current(scope.name, askedAt);
      const isPublic = this.#options.rules.allows(undefined, { repository: resolved, action: 'pull' });
      if (!mirrored || !isPublic) return false;
    }
    return true;
  }

  #refreshToken({ credentials, offline }: TokenRequest, { account, hash }: Identity): string | undefined {
    if (account === undefined || !offline) return undefined;
    if (credentials.kind === 'refresh token') return credentials.token;
    return hash === undefined ? undefined : sealRefreshToken(this.#options.seals, { account, hash });
  }
}

interface Identity {
  readonly account: string | undefined;
  /** What the password was compared with. */
  readonly hash: string | undefined;
}

const NOBODY: Identity = { account: undefined, hash: undefined };

function isPull({ type, name, actions }: Scope): boolean {
  return type === 'repository' && isRepositoryName(name) && actions.length === 1 && actions[0] === 'pull';
}

function wrongCredentials(message = WRONG_PASSWORD): Error {
  return basicChallenge([], { realm: 'token', message });
}
