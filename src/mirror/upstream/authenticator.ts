import { LRUCache } from 'lru-cache';
import { type Challenge, parseChallenges } from './challenge.ts';
import {
  basicAuthorization,
  type CredentialSource,
  type Credentials,
  CredentialsUnavailableError,
} from './credentials.ts';
import { TokenServerError } from './elsewhere-errors.ts';
import { follow } from './follow.ts';
import { realmMayHaveCredentials } from './realm.ts';
import { RequestLimit } from './request-limit.ts';
import { discard, readWhole } from './response-body.ts';
import { parseTokenAnswer, type Token, TokenCache, type TokenDemand, tokenUrl } from './token-source.ts';
import type { HopResponse, Transport } from './transport.ts';
import { isSlow } from './typed-error.ts';
import {
  UpstreamError,
  UpstreamFailed,
  UpstreamLimited,
  UpstreamNotFound,
  UpstreamRefused,
  UpstreamWrong,
} from './upstream-errors.ts';
import type { UpstreamLog } from './upstream-options.ts';

/** What goes into `Authorization`, and what it was made for. */
export interface Authorization {
  readonly header: string;
  /** Whether somebody's credentials stand behind it. */
  readonly account: string | undefined;
  /** Of a Bearer token. */
  readonly demand: TokenDemand | undefined;
}

export interface AuthenticatorOptions {
  /** The configured URL. */
  readonly base: URL;
  readonly transport: Transport;
  readonly credentials: CredentialSource | undefined;
  readonly now: () => number;
  readonly headers: Readonly<Record<string, string>>;
  readonly log: UpstreamLog | undefined;
}

const TOKEN_LIMIT = 256 * 1024;
/** ghcr.io names it on `/v2/`. */
const PLACEHOLDER = 'user/image';

/** The authentication of one upstream URL: Basic, or tokens as each challenge asks for them. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #tokens: TokenCache;
  readonly #tokenLimit: RequestLimit;
  /** What a repository's last challenge asked for, so that the next request need not be refused first. */
  readonly #demands = new LRUCache<string, Omit<TokenDemand, 'account'>>({
    max: 2_000,
    maxSize: 4 * 1024 * 1024,
    sizeCalculation: ({ realm, service = '', scope = '' }, repository) =>
      realm.href.length + service.length + scope.length + repository.length + 1,
  });
  /** Realm and service of the upstream, where its scopes are the ones that can be foreseen. */
  #usual: Omit<TokenDemand, 'account' | 'scope'> | undefined;
  #basic = false;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#tokenLimit = new RequestLimit(options.now);
    this.#tokens = new TokenCache((demand) => this.#askForToken(demand), options.now);
  }

  /**
   * What the first request for a repository takes along, from what is known of this upstream. A token that cannot be
   * had says that this may hold no longer, since token servers move: the upstream is asked for it again.
   * @param repository the name in the URL; undefined where none is meant
   * @throws UpstreamRefused, UpstreamLimited, or that the token server is too slow
   */
  async foreseen(repository: string | undefined): Promise<Authorization | undefined> {
    if (this.#basic) return await this.#basicAuthorization();
    const demand = this.#foreseenDemand(repository);
    if (demand === undefined) return undefined;
    try {
      return await this.#bearer(demand);
    } catch (error) {
      if (error instanceof UpstreamLimited) throw error;
      if (!(error instanceof UpstreamRefused) && !isSlow(error)) return undefined;
      // Whoever waited as long as a request may take is not made to wait again; the next one learns it.
      this.#demands.clear();
      this.#usual = undefined;
      throw error;
    }
  }

  #foreseenDemand(repository: string | undefined): Omit<TokenDemand, 'account'> | undefined {
    const known = this.#demands.get(repository ?? '');
    if (known !== undefined) return known;
    if (this.#usual === undefined || repository === undefined) return undefined;
    return { ...this.#usual, scope: pullScope(repository) };
  }

  /**
   * What a refused request takes along when it is sent again.
   * @returns undefined where there is nothing to answer the challenge with
   * @throws UpstreamError when no token can be had
   */
  async answerTo(refusal: HopResponse, repository: string | undefined): Promise<Authorization | undefined> {
    const challenges = parseChallenges(refusal.headers['www-authenticate']);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    const demand = bearer === undefined ? undefined : this.#demandOf(bearer, refusal.url, repository);
    if (demand !== undefined) {
      this.#basic = false;
      this.#demands.set(repository ?? '', demand);
      if (repository !== undefined && demand.scope === pullScope(repository)) this.#usual = demand;
      return await this.#bearer(demand);
    }
    if (!challenges.some(({ scheme }) => scheme === 'basic')) return undefined;
    const basic = await this.#basicAuthorization();
    if (basic !== undefined) this.#basic = true;
    return basic;
  }

  /** An anonymous token for a server that this upstream redirected to. */
  async answerElsewhere(refusal: HopResponse): Promise<string | undefined> {
    const bearer = parseChallenges(refusal.headers['www-authenticate']).find(
      ({ scheme }) => scheme === 'bearer',
    );
    const realm = URL.parse(bearer?.parameters.get('realm') ?? '', refusal.url.href);
    if (bearer === undefined || realm === null) return undefined;
    const { parameters } = bearer;
    const asked = { realm, service: parameters.get('service'), scope: parameters.get('scope') };
    const publicOnly = this.#options.transport.isPublic(refusal.url);
    return `Bearer ${await this.#tokens.get({ ...asked, account: undefined, publicOnly })}`;
  }

  /** Notes that a token was refused. */
  refused({ demand, header }: Authorization): void {
    if (demand !== undefined) this.#tokens.refused(demand, header.slice('Bearer '.length));
  }

  #demandOf(
    { parameters }: Challenge,
    asked: URL,
    repository: string | undefined,
  ): Omit<TokenDemand, 'account'> | undefined {
    const realm = URL.parse(parameters.get('realm') ?? '', asked.href);
    if (realm === null || (realm.protocol !== 'https:' && realm.protocol !== 'http:')) return undefined;
    const scope = repository === undefined ? undefined : scopeFor(repository, parameters.get('scope'));
    return { realm, service: parameters.get('service'), scope };
  }

  async #bearer(demand: Omit<TokenDemand, 'account'>): Promise<Authorization> {
    const account = (await this.#credentialsFor(demand.realm))?.username;
    const whole = { ...demand, account };
    return { header: `Bearer ${await this.#tokens.get(whole)}`, account, demand: whole };
  }

  async #basicAuthorization(): Promise<Authorization | undefined> {
    const credentials = await this.#credentials(this.#options.base);
    if (credentials === undefined) return undefined;
    return { header: basicAuthorization(credentials), account: credentials.username, demand: undefined };
  }

  async #credentialsFor(realm: URL): Promise<Credentials | undefined> {
    const { base, credentials, log } = this.#options;
    if (credentials === undefined) return undefined;
    if (realmMayHaveCredentials(base, realm)) return await this.#credentials(realm);
    log?.warn(
      { url: base.host, realm: realm.host },
      'the realm of an upstream is not its own: it is asked without credentials',
    );
    return undefined;
  }

  async #credentials(url: URL): Promise<Credentials | undefined> {
    try {
      return await this.#options.credentials?.get(url.host);
    } catch (cause) {
      if (cause instanceof CredentialsUnavailableError) {
        throw new UpstreamRefused(this.#options.base.host, cause.message, { cause });
      }
      throw cause;
    }
  }

  async #askForToken(demand: TokenDemand): Promise<Token> {
    try {
      return await this.#fetchToken(demand);
    } catch (cause) {
      throw cause instanceof UpstreamError ? cause : new TokenServerError(demand.realm.host, { cause });
    }
  }

  async #fetchToken(demand: TokenDemand): Promise<Token> {
    const { base, transport, now } = this.#options;
    const where = base.host;
    if (this.#tokenLimit.wait > 0) throw new UpstreamLimited(where, this.#tokenLimit.wait);
    const credentials = demand.account === undefined ? undefined : await this.#credentialsFor(demand.realm);
    const response = await follow(transport, {
      method: 'GET',
      url: tokenUrl(demand),
      headers: this.#options.headers,
      authorization: credentials === undefined ? undefined : basicAuthorization(credentials),
      publicOnly: demand.publicOnly === true || (demand.realm.host !== base.host && transport.isPublic(base)),
    });
    const { status } = response;
    if (status === 200) {
      const token = parseTokenAnswer(await readWhole(response.body, TOKEN_LIMIT), now());
      if (token === undefined) throw new UpstreamWrong(where, 'its token server gave no token');
      this.#tokenLimit.answered();
      return token;
    }
    await discard(response.body);
    if (status === 429) {
      this.#tokenLimit.limited(response.headers);
      throw new UpstreamLimited(where, this.#tokenLimit.wait);
    }
    if (status === 400 || status === 401 || status === 403 || status === 404) {
      // ghcr.io refuses an anonymous token for what is private or not there.
      throw credentials === undefined
        ? new UpstreamNotFound(where, 'gives nobody a token for this')
        : new UpstreamRefused(where, 'its token server refuses the credentials');
    }
    throw new UpstreamFailed(where, `its token server answered ${status}`);
  }
}

/** What a pull needs, as distribution's token scopes are written. */
function pullScope(repository: string): string {
  return `repository:${repository}:pull`;
}

/**
 * The scope to ask: the challenge's repository, which may have another name behind a rewriting server, but pull
 * alone (ghcr.io refuses more), and what is asked for where the challenge names none or a placeholder.
 */
function scopeFor(repository: string, challenged: string | undefined): string {
  const named = /^repository(?:\([a-z]+\))?:(.+):[a-z*,]+$/.exec(challenged?.split(' ')[0] ?? '')?.[1];
  return pullScope(named === undefined || named === PLACEHOLDER ? repository : named);
}
