import { PrivateAddressError } from './address-guard.ts';
import { Authenticator, type Authorization } from './authenticator.ts';
import { Breaker } from './breaker.ts';
import { parseChallenges } from './challenge.ts';
import { fixedCredentials } from './credentials.ts';
import { follow } from './follow.ts';
import { parseRateLimit, RequestLimit } from './request-limit.ts';
import { BodyTooLargeError, discard } from './response-body.ts';
import { TimeoutError } from './timeout-error.ts';
import { type HopResponse, type ResponseHeaders, Transport } from './transport.ts';
import {
  UpstreamError,
  UpstreamFailed,
  UpstreamLimited,
  UpstreamNotFound,
  UpstreamRefused,
  UpstreamSlow,
  UpstreamUnreachable,
  UpstreamWrong,
} from './upstream-errors.ts';
import { DEFAULT_UPSTREAM_TIMEOUTS, type UpstreamClientOptions } from './upstream-options.ts';

/** What a request is for: limits hold for manifests and lists, and for blobs, each by themselves. */
export type Purpose = 'manifest' | 'list' | 'blob';

export interface UpstreamRequest {
  readonly method: 'GET' | 'HEAD';
  readonly purpose: Purpose;
  /** As the upstream calls it, without the URL's path. */
  readonly repository: string;
  /** Behind the repository's name: `/manifests/latest`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One URL of an upstream: what is known of its health, limits and tokens. */
export class UpstreamUrl {
  /** Host and port, for messages and metrics. */
  readonly where: string;
  readonly #upstream: string;
  readonly #base: URL;
  /** The path of the URL without slashes at its ends, with one behind where there is any. */
  readonly #path: string;
  readonly #transport: Transport;
  readonly #authenticator: Authenticator;
  readonly #breaker: Breaker;
  readonly #manifestLimit: RequestLimit;
  readonly #blobLimit: RequestLimit;
  readonly #metrics: UpstreamClientOptions['metrics'];
  readonly #headers: Readonly<Record<string, string>>;
  readonly #hasCredentials: boolean;

  constructor(url: string, options: UpstreamClientOptions) {
    const now = options.now ?? Date.now;
    const given = new URL(url);
    const own = given.username === '' ? undefined : userinfo(given);
    given.username = '';
    given.password = '';
    this.#base = given;
    this.where = given.host;
    this.#upstream = options.name;
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
    this.#breaker = new Breaker(now);
    this.#manifestLimit = new RequestLimit(now);
    this.#blobLimit = new RequestLimit(now);
    this.#metrics = options.metrics;
  }

  /** Whether the last thing seen of it was a failure. */
  get troubled(): boolean {
    return this.#breaker.troubled;
  }

  /** Why a request of this kind would not even be sent; undefined when it would. */
  unavailable(purpose: Purpose): UpstreamError | undefined {
    const wait = this.#limit(purpose).wait;
    if (wait > 0) return new UpstreamLimited(this.where, wait);
    const open = this.#breaker.openFor;
    return open === undefined ? undefined : this.#typed(open, undefined);
  }

  /**
   * Sends a request, with the token dance and redirects that belong to it.
   * @returns an answer of 2xx, 304, 405 or 416, its body not yet read
   * @throws UpstreamError, or the signal's reason when it gave up
   */
  async request(request: UpstreamRequest): Promise<HopResponse> {
    const unavailable = this.unavailable(request.purpose);
    if (unavailable !== undefined) throw unavailable;
    this.#breaker.begin();
    try {
      const { response, authorization } = await this.#authorized(request);
      return await this.#judge(request, response, authorization);
    } catch (error) {
      const typed = this.#typed(error, request.signal);
      this.#note(typed);
      throw typed ?? error;
    }
  }

  /**
   * Asks whether it answers and takes the credentials, where there are any.
   * @throws UpstreamError
   */
  async probe(signal?: AbortSignal): Promise<void> {
    try {
      const url = new URL('/v2/', this.#base);
      const request = { method: 'GET', signal } as const;
      const sent = this.#hasCredentials
        ? await this.#send(url, undefined, request)
        : { response: await this.#exchange(url, request, undefined), authorization: undefined };
      await discard(sent.response.body);
      const { status } = sent.response;
      if ((status === 401 || status === 403) && this.#hasCredentials) throw this.#refused(sent.authorization);
      if (status === 404) throw new UpstreamWrong(this.where, 'answers, but not as a registry');
      if (status >= 500) throw new UpstreamFailed(this.where, `answered ${status}`);
      if (status === 429) throw new UpstreamLimited(this.where, 1);
    } catch (error) {
      throw this.#typed(error, signal) ?? error;
    }
  }

  /** Reports something wrong that only the reading of a body showed. */
  distrust(error: UpstreamError): void {
    this.#breaker.begin();
    this.#breaker.failed(error, 'failing');
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  /** Turns what broke the reading of a body into a typed error. */
  bodyError(error: unknown, signal: AbortSignal | undefined): unknown {
    return this.#typed(error, signal) ?? error;
  }

  async #authorized(request: UpstreamRequest): Promise<Sent> {
    const repository = `${this.#path}${request.repository}`;
    const url = new URL(`/v2/${repository}${request.path}`, this.#base);
    const { method, signal, headers, purpose } = request;
    return await this.#send(url, repository, { method, signal, headers, purpose });
  }

  /** At most two answers to challenges: a token that is refused is fetched anew once. */
  async #send(url: URL, repository: string | undefined, request: SentRequest): Promise<Sent> {
    let authorization = await this.#authenticator.foreseen(repository);
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
      const next = await this.#authenticator.answerTo(response, repository);
      if (next === undefined || next.header === authorization?.header) break;
      await discard(response.body);
      authorization = next;
      response = await this.#exchange(url, request, authorization);
    }
    return { response, authorization };
  }

  async #exchange(
    url: URL,
    { method, signal, headers, purpose }: SentRequest,
    authorization: Authorization | undefined,
  ): Promise<HopResponse> {
    const send = () =>
      follow(this.#transport, {
        method,
        url,
        headers: { ...this.#headers, ...headers },
        authorization: authorization?.header,
        signal,
        bulk: purpose === 'blob',
        elsewhere: (refusal) => this.#authenticator.answerElsewhere(refusal),
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
    response: HopResponse,
    authorization: Authorization | undefined,
  ): Promise<HopResponse> {
    const { status, headers } = response;
    const told = parseRateLimit(single(headers, 'ratelimit-limit'), single(headers, 'ratelimit-remaining'));
    const at = { upstream: this.#upstream, url: this.where };
    if (told !== undefined) this.#metrics?.limit(at, told);
    this.#metrics?.request(at, `${Math.floor(status / 100)}xx`);

    if (status === 429) this.#limit(request.purpose).limited(single(headers, 'retry-after'));
    else if (status < 500) this.#limit(request.purpose).answered();
    if ((status >= 200 && status < 300) || status === 304 || status === 405 || status === 416) {
      this.#breaker.worked();
      return response;
    }
    await discard(response.body);
    if (status === 429) throw new UpstreamLimited(this.where, Math.max(1, this.#limit(request.purpose).wait));
    if (status === 404 || status === 410) throw new UpstreamNotFound(this.where, 'has no such thing');
    if (status === 401 || status === 403) {
      if (response.url.origin !== this.#base.origin) {
        throw new UpstreamFailed(this.where, `redirected to ${response.url.host}, which answered ${status}`);
      }
      throw this.#refused(authorization);
    }
    if (status < 500) throw new UpstreamWrong(this.where, `answered ${status}`);
    throw new UpstreamFailed(this.where, `answered ${status}`);
  }

  #refused(authorization: Authorization | undefined): UpstreamError {
    if (authorization === undefined) return new UpstreamRefused(this.where, 'asks for credentials');
    if (authorization.account !== undefined)
      return new UpstreamRefused(this.where, 'refuses the credentials');
    // Docker Hub gives anybody a token for a repository that does not exist, and then refuses it.
    return new UpstreamNotFound(this.where, 'opens nothing of that name to the public');
  }

  #limit(purpose: Purpose): RequestLimit {
    return purpose === 'blob' ? this.#blobLimit : this.#manifestLimit;
  }

  #note(error: UpstreamError | undefined): void {
    if (error === undefined) {
      this.#breaker.unknown();
    } else if (error instanceof UpstreamUnreachable || error instanceof UpstreamSlow) {
      const outcome = error instanceof UpstreamSlow ? 'slow' : 'unreachable';
      this.#metrics?.request({ upstream: this.#upstream, url: this.where }, outcome);
      this.#breaker.failed(error, 'down');
    } else if (error instanceof UpstreamFailed) {
      this.#breaker.failed(error, 'failing');
    } else {
      this.#breaker.worked();
    }
  }

  /** undefined: nothing that the upstream did. */
  #typed(error: unknown, signal: AbortSignal | undefined): UpstreamError | undefined {
    if (error instanceof UpstreamError) return error;
    if (error instanceof TimeoutError) return new UpstreamSlow(this.where, error.message, { cause: error });
    if (signal?.aborted === true && error === signal.reason) return undefined;
    if (error instanceof PrivateAddressError) {
      return new UpstreamWrong(this.where, 'leads to a private address', { cause: error });
    }
    if (error instanceof BodyTooLargeError) {
      return new UpstreamWrong(this.where, 'sends more than can be right', { cause: error });
    }
    const code = errorCode(error);
    if (code === undefined) return undefined;
    if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
      return new UpstreamSlow(this.where, 'no connection within the time it has', { cause: error });
    }
    return new UpstreamUnreachable(this.where, explain(code, error), { cause: error });
  }
}

type SentRequest = Pick<UpstreamRequest, 'method' | 'signal' | 'headers'> & { readonly purpose?: Purpose };

interface Sent {
  readonly response: HopResponse;
  readonly authorization: Authorization | undefined;
}

/** @returns a header that may come once, undefined where it is missing or repeated */
export function single(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
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

/** The code of a system, TLS or HTTP client error; these are the ones a network can cause. */
function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AggregateError) {
    const inner = error.errors.map(errorCode).find((code) => code !== undefined);
    if (inner !== undefined) return inner;
  }
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function isClosedConnection(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name cannot be found',
  EAI_AGAIN: 'its name cannot be looked up now',
  ECONNREFUSED: 'refuses connections',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ECONNRESET: 'broke the connection',
  UND_ERR_SOCKET: 'broke the connection',
};

function explain(code: string, error: unknown): string {
  const known = EXPLANATIONS[code];
  if (known !== undefined) return known;
  return error instanceof Error ? `${error.message} (${code})` : code;
}
