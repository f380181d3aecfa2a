import { Authenticator, type Authorization } from './authenticator.ts';
import { parseChallenges } from './challenge.ts';
import { fixedCredentials } from './credentials.ts';
import { type FollowedResponse, follow, type RedirectTarget } from './follow.ts';
import { unlessGivenUp } from './give-up.ts';
import { MissingHeads } from './missing-heads.ts';
import { discard } from './response-body.ts';
import { type HopResponse, type ResponseHeaders, Transport } from './transport.ts';
import { isClosedConnection, typedError } from './typed-error.ts';
import {
  type UpstreamError,
  UpstreamFailed,
  UpstreamLimited,
  UpstreamNotFound,
  UpstreamRefused,
  UpstreamWrong,
} from './upstream-errors.ts';
import { DEFAULT_UPSTREAM_TIMEOUTS, type UpstreamClientOptions } from './upstream-options.ts';
import { type Purpose, UrlHealth } from './url-health.ts';
import { type Finding, probeUrl } from './url-probe.ts';

export interface UpstreamRequest {
  readonly method: 'GET' | 'HEAD';
  readonly purpose: Purpose;
  /** As the upstream calls it, without the URL's path. */
  readonly repository: string;
  /** Behind the repository's name: `/manifests/latest`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Asks even what counts as down: whoever asks has pauses of its own. */
  readonly insist?: true | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One URL of an upstream: what is known of its health, limits and tokens. */
export class UpstreamUrl {
  /** Host and port, for messages and metrics. */
  readonly where: string;
  /** Milliseconds. */
  readonly now: () => number;
  /** What is known of HEAD requests for manifests. */
  readonly missingHeads: MissingHeads;
  readonly #base: URL;
  /** The path of the URL without slashes at its ends, with one behind where there is any. */
  readonly #path: string;
  readonly #transport: Transport;
  readonly #authenticator: Authenticator;
  readonly #health: UrlHealth;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #hasCredentials: boolean;

  constructor(url: string, options: UpstreamClientOptions) {
    const now = options.now ?? steadyNow;
    this.now = now;
    this.missingHeads = new MissingHeads(now);
    const given = new URL(url);
    const own = given.username === '' ? undefined : userinfo(given);
    given.username = '';
    given.password = '';
    this.#base = given;
    this.where = given.host;
    const path = given.pathname.replace(/^\/+|\/+$/g, '');
    this.#path = path === '' ? '' : `${path}/`;
    this.#headers = { 'user-agent': options.userAgent ?? 'fairlead', 'accept-encoding': 'identity' };
    this.#transport = new Transport({
      timeouts: { ...DEFAULT_UPSTREAM_TIMEOUTS, ...options.timeouts },
      connections: options.connections ?? 16,
      ca: options.ca,
      insecure: options.insecure,
      proxies: options.proxies,
    });
    this.#authenticator = new Authenticator({
      base: given,
      transport: this.#transport,
      credentials: own ?? options.credentials,
      now,
      headers: this.#headers,
      log: options.log,
    });
    this.#hasCredentials = (own ?? options.credentials) !== undefined;
    this.#health = new UrlHealth({
      upstream: options.name,
      where: this.where,
      now,
      metrics: options.metrics,
    });
  }

  /** Whether the last thing seen of it was a failure. */
  get troubled(): boolean {
    return this.#health.troubled;
  }

  /** Whether it failed, and may be looked at again. */
  get due(): boolean {
    return this.#health.due;
  }

  /** Why a request of this kind would not even be sent; undefined when it would. */
  unavailable(purpose: Purpose, insist?: true): UpstreamError | undefined {
    return this.#health.unavailable(purpose, insist);
  }

  /**
   * Sends a request, with the token dance and redirects that belong to it.
   * @returns an answer of 2xx, 304, 405, 416, 501, or any that says of a HEAD that a GET must be asked, its body not yet
   * read
   * @throws UpstreamError, or the signal's reason when it gave up
   */
  async request(request: UpstreamRequest): Promise<FollowedResponse> {
    const unavailable = this.unavailable(request.purpose, request.insist);
    if (unavailable !== undefined) throw unavailable;
    this.#health.begin();
    try {
      const { response, authorization } = await this.#authorized(request);
      return await this.#judge(request, response, authorization);
    } catch (error) {
      const typed = typedError(this.where, error, request.signal);
      this.#health.failed(typed);
      throw typed ?? error;
    }
  }

  /**
   * Sends a request for a part straight to where an earlier one was redirected to, without credentials. How that ends
   * says nothing about this URL.
   * @returns an answer of 206, its body not yet read
   * @throws UpstreamError for everything else, or the signal's reason when it gave up
   */
  async requestAt(target: RedirectTarget, request: UpstreamRequest): Promise<HopResponse> {
    const unavailable = this.unavailable(request.purpose, request.insist);
    if (unavailable !== undefined) throw unavailable;
    try {
      const { url, publicOnly } = target;
      const response = await this.#exchange(url, { ...request, publicOnly }, undefined);
      if (response.status === 206) return response;
      await discard(response.body);
      throw new UpstreamFailed(this.where, `led to ${url.host}, which answered ${response.status}`);
    } catch (error) {
      throw typedError(this.where, error, request.signal) ?? error;
    }
  }

  /** Asks whether it answers as a registry, and takes the credentials where there are any. */
  probe(): Promise<Finding> {
    const url = new URL('/v2/', this.#base);
    return probeUrl({
      where: this.where,
      base: this.#base,
      hasCredentials: this.#hasCredentials,
      authenticator: this.#authenticator,
      now: this.now,
      ask: (authorization) => this.#exchange(url, { method: 'GET', signal: undefined }, authorization),
    });
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  /** Turns what broke the reading of a body into a typed error. */
  bodyError(error: unknown, signal: AbortSignal | undefined): unknown {
    return typedError(this.where, error, signal) ?? error;
  }

  async #authorized(request: UpstreamRequest): Promise<Sent> {
    const repository = `${this.#path}${request.repository}`;
    const url = new URL(`/v2/${repository}${request.path}`, this.#base);
    const { method, signal, headers, purpose } = request;
    return await this.#send(url, repository, { method, signal, headers, purpose });
  }

  /** At most two answers to challenges: a token that is refused is fetched anew once. */
  async #send(url: URL, repository: string, request: SentRequest): Promise<Sent> {
    const { signal } = request;
    let authorization = await unlessGivenUp(this.#authenticator.foreseen(repository), signal);
    let response = await this.#exchange(url, request, authorization);
    for (
      let answers = 0;
      answers < 2 && response.status === 401 && response.url.origin === url.origin;
      answers++
    ) {
      if (authorization !== undefined) {
        this.#authenticator.refused(authorization);
        // Asked for the very same and got it: another token would open no more.
        if (answers > 0 && insufficient(response.headers)) break;
      }
      const next = await unlessGivenUp(this.#authenticator.answerTo(response, repository), signal);
      if (next === undefined || next.header === authorization?.header) break;
      await discard(response.body);
      authorization = next;
      response = await this.#exchange(url, request, authorization);
    }
    return { response, authorization };
  }

  async #exchange(
    url: URL,
    { method, signal, headers, purpose, publicOnly = false }: SentRequest,
    authorization: Authorization | undefined,
  ): Promise<FollowedResponse> {
    const send = () =>
      follow(this.#transport, {
        method,
        url,
        headers: { ...this.#headers, ...headers },
        authorization: authorization?.header,
        signal,
        bulk: purpose === 'blob',
        publicOnly,
        elsewhere: (refusal) => unlessGivenUp(this.#authenticator.answerElsewhere(refusal), signal),
      });
    try {
      return await send();
    } catch (error) {
      // An idle connection that the server closed just then says nothing about the server.
      if (!isClosedConnection(error) || signal?.aborted === true) throw error;
      return await send();
    }
  }

  async #judge(
    request: UpstreamRequest,
    response: FollowedResponse,
    authorization: Authorization | undefined,
  ): Promise<FollowedResponse> {
    const { status } = response;
    this.#health.answered(request.purpose, response);
    // A server that does not know what is asked says so by 501: it does not fail.
    const usable = (status >= 200 && status < 300) || [304, 405, 416, 501].includes(status);
    if (usable || this.#takesNoHead(request, response)) {
      this.#health.worked();
      return response;
    }
    await discard(response.body);
    if (status === 429) throw new UpstreamLimited(this.where, this.#health.retryAfter(request.purpose));
    if (status === 404 || status === 410) {
      throw new UpstreamNotFound(this.where, `has no such ${ASKED[request.purpose]}`);
    }
    if (status === 401 || status === 403) {
      if (response.url.origin !== this.#base.origin) {
        throw new UpstreamFailed(this.where, `redirected to ${response.url.host}, which answered ${status}`);
      }
      throw this.#refused(authorization);
    }
    if (status < 500) throw new UpstreamWrong(this.where, `answered ${status}`);
    throw new UpstreamFailed(this.where, `answered ${status}`);
  }

  /** A storage host, to which a URL leads that was signed for a GET, takes the signature for wrong. */
  #takesNoHead({ method, purpose }: UpstreamRequest, { status, url }: FollowedResponse): boolean {
    const isSigned = method === 'HEAD' && purpose === 'blob' && url.origin !== this.#base.origin;
    return isSigned && (status === 400 || status === 401 || status === 403);
  }

  #refused(authorization: Authorization | undefined): UpstreamError {
    if (authorization === undefined) return new UpstreamRefused(this.where, 'asks for credentials');
    if (authorization.account !== undefined)
      return new UpstreamRefused(this.where, 'refuses the credentials');
    // Docker Hub gives anybody a token for a repository that does not exist, and then refuses it.
    return new UpstreamNotFound(this.where, 'opens nothing of that name to the public');
  }
}

/** Since the epoch as the clock had it at the start: one that is set back must not make pauses last. */
function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

const ASKED = {
  manifest: 'manifest',
  blob: 'blob',
  list: 'repository',
} as const satisfies Record<Purpose, string>;

type SentRequest = Pick<UpstreamRequest, 'method' | 'signal' | 'headers'> & {
  readonly purpose?: Purpose;
  readonly publicOnly?: boolean;
};

interface Sent {
  readonly response: FollowedResponse;
  readonly authorization: Authorization | undefined;
}

function insufficient(headers: ResponseHeaders): boolean {
  return parseChallenges(headers['www-authenticate']).some(
    ({ parameters }) => parameters.get('error') === 'insufficient_scope',
  );
}

function userinfo(url: URL) {
  return fixedCredentials({
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  });
}
