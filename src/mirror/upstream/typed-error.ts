import { errors } from 'undici';
import { PrivateAddressError } from './address-guard.ts';
import { RedirectedError, TokenServerError } from './elsewhere-errors.ts';
import { BodyTooLargeError } from './response-body.ts';
import { TimeoutError } from './timeout-error.ts';
import { UpstreamError, UpstreamSlow, UpstreamUnreachable, UpstreamWrong } from './upstream-errors.ts';

/**
 * What a failed exchange says about the upstream at `where` (host and port).
 * @param signal the one with which it was sent: its own reason is no fault of the upstream, but for a `TimeoutError`
 * @returns undefined for what no upstream did
 */
export function typedError(where: string, error: unknown, signal?: AbortSignal): UpstreamError | undefined {
  // A time that was set for this very upstream may end by its signal.
  if (error instanceof TimeoutError) return new UpstreamSlow(where, error.message, { cause: error });
  // The reason may be what another upstream did.
  if (signal?.aborted === true && error === signal.reason) return undefined;
  if (error instanceof UpstreamError) return error;
  if (error instanceof PrivateAddressError) {
    return new UpstreamWrong(where, 'leads to a private address', { cause: error });
  }
  if (error instanceof BodyTooLargeError) {
    return new UpstreamWrong(where, 'sends more than can be right', { cause: error });
  }
  if (isElsewhere(error)) return typedElsewhere(where, error);
  const code = errorCode(error);
  if (code === undefined) return undefined;
  if (isConnectTimeout(error)) {
    return new UpstreamSlow(where, 'no connection within the time it has', { cause: error });
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new UpstreamWrong(where, 'sends longer headers than can be right', { cause: error });
  }
  return new UpstreamUnreachable(where, explain(code, error), { cause: error });
}

/** Whose fault it was is said: the one who looks for it must not look at the wrong server. */
function typedElsewhere(where: string, error: RedirectedError | TokenServerError): UpstreamError | undefined {
  const typed = typedError(where, error.cause);
  const Kind = [UpstreamSlow, UpstreamUnreachable].find((kind) => typed instanceof kind);
  if (typed === undefined || Kind === undefined) return typed;
  const at =
    error instanceof RedirectedError
      ? `it redirects to ${error.host}`
      : `its token server ${error.host} cannot be asked`;
  return new Kind(where, `${at}: ${typed.reason}`, { cause: error });
}

function isElsewhere(error: unknown): error is RedirectedError | TokenServerError {
  return error instanceof RedirectedError || error instanceof TokenServerError;
}

/** Whether a time was over. */
export function isSlow(error: unknown): boolean {
  if (isElsewhere(error)) return isSlow(error.cause);
  return error instanceof TimeoutError || isConnectTimeout(error);
}

/** Whether there was no connection within the time it has. */
export function isConnectTimeout(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT';
}

/** The code of a system, TLS or HTTP client error; these are the ones a network can cause. */
function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (isElsewhere(error)) return errorCode(error.cause);
  if (error instanceof AggregateError) {
    const inner = error.errors.map(errorCode).find((code) => code !== undefined);
    if (inner !== undefined) return inner;
  }
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof errors.HTTPParserError ? NOT_HTTP : undefined;
}

/** Whether an idle connection may just have been closed by the server. */
export function isClosedConnection(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

/** Node's own words advise an option of Node. An upstream of `proxy` has no keys for this: only the environment. */
const NOT_TRUSTED =
  'its certificate is of no authority that is trusted: NODE_EXTRA_CA_CERTS in the environment can name it, ' +
  'or `ca` of one of mirror.upstreams, whose `insecure` takes any';

/** undici gives the errors of its parser no code. */
const NOT_HTTP = 'HPE_INVALID';

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name cannot be found',
  EAI_AGAIN: 'its name cannot be looked up now',
  ECONNREFUSED: 'refuses connections',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ECONNRESET: 'broke the connection',
  UND_ERR_SOCKET: 'broke the connection',
  [NOT_HTTP]: 'sends what is no HTTP',
  ERR_SSL_WRONG_VERSION_NUMBER: 'does not speak TLS, as https:// needs it',
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_TRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
};

function explain(code: string, error: unknown): string {
  const known = EXPLANATIONS[code];
  if (known !== undefined) return known;
  return error instanceof Error ? `${error.message} (${code})` : code;
}
