import type { Authenticator, Authorization } from './authenticator.ts';
import { parseChallenges } from './challenge.ts';
import type { FollowedResponse } from './follow.ts';
import { retryAfterOf } from './request-limit.ts';
import { discard, readWhole } from './response-body.ts';
import { typedError } from './typed-error.ts';
import {
  type UpstreamError,
  UpstreamLimited,
  UpstreamNotFound,
  UpstreamSlow,
  UpstreamUnreachable,
} from './upstream-errors.ts';

/** How a URL was found. */
export interface Finding {
  /** Whether pulls can be expected to work. */
  readonly ok: boolean;
  /** For a person; holds no secret. */
  readonly told: string;
}

export interface ProbedUrl {
  /** Host and port. */
  readonly where: string;
  /** The configured URL. */
  readonly base: URL;
  readonly hasCredentials: boolean;
  readonly authenticator: Pick<Authenticator, 'answerTo'>;
  readonly now: () => number;
  /** GET `/v2/`, its body not yet read. */
  readonly ask: (authorization: Authorization | undefined) => Promise<FollowedResponse>;
}

const WELL: Finding = { ok: true, told: 'answers' };
/** quay.io and ghcr.io give nobody a token for `/v2/` itself, and everybody one for what is public. */
const WELL_PERHAPS: Finding = {
  ok: true,
  told: 'answers; whether it lets anybody pull is told for single repositories only',
};
const NOT_GIVEN = 'its token server is at a host that is not given the credentials';
/** More than any registry says here. */
const BODY_LIMIT = 64 * 1024;

/** Asks a URL whether it is a registry that pulls can be expected from. Lenient where that cannot be told. */
export async function probeUrl(url: ProbedUrl): Promise<Finding> {
  let response: FollowedResponse;
  try {
    response = await url.ask(undefined);
  } catch (error) {
    return ofFailure(url, typed(url, error));
  }
  if (response.status !== 401) return await ofAnswer(url, response);
  await discard(response.body);
  if (response.url.origin !== url.base.origin) {
    return bad(`redirects to ${response.url.host}, which asks for credentials`);
  }
  return await withAuthorization(url, response);
}

async function withAuthorization(url: ProbedUrl, refusal: FollowedResponse): Promise<Finding> {
  let authorization: Authorization | undefined;
  try {
    authorization = await url.authenticator.answerTo(refusal, undefined);
  } catch (error) {
    return ofTokenFailure(url, typed(url, error));
  }
  if (authorization === undefined) return bad(whyUnanswered(url, refusal));
  const { account } = authorization;
  if (url.hasCredentials && account === undefined) return bad(NOT_GIVEN);
  try {
    const response = await url.ask(authorization);
    if (response.status !== 401) return await ofAnswer(url, response);
    await discard(response.body);
    return account === undefined ? WELL_PERHAPS : bad('refuses the credentials');
  } catch (error) {
    return ofFailure(url, typed(url, error));
  }
}

function whyUnanswered({ hasCredentials }: ProbedUrl, refusal: FollowedResponse): string {
  const schemes = parseChallenges(refusal.headers['www-authenticate']).map(({ scheme }) => scheme);
  if (!hasCredentials) return 'asks for credentials, and none are configured';
  return schemes.length === 0
    ? 'refuses everybody, and names no way to log in'
    : `asks for a login that is not spoken here: ${schemes.join(', ')}`;
}

async function ofAnswer({ now }: ProbedUrl, response: FollowedResponse): Promise<Finding> {
  const { status, headers } = response;
  if (status >= 200 && status < 300) {
    return (await looksLikeRegistry(response)) ? WELL : bad('not as a registry');
  }
  await discard(response.body);
  if (status === 429) {
    const wait = retryAfterOf(headers, now());
    return limited(wait === undefined ? undefined : Math.ceil(wait / 1000));
  }
  if (status === 403) return bad('refuses to be asked: it answered 403');
  if (status >= 500) return bad(`fails: it answered ${status}`);
  return bad(`not as a registry: it answered ${status}`);
}

/**
 * distribution says `{}` and its header, registry.k8s.io nothing at all. What is left is some other site, such as a
 * login page.
 */
async function looksLikeRegistry({ headers, body }: FollowedResponse): Promise<boolean> {
  if (
    headers['docker-distribution-api-version'] !== undefined ||
    /\bjson\b/.test(`${headers['content-type']}`)
  ) {
    await discard(body);
    return true;
  }
  try {
    const text = (await readWhole(body, BODY_LIMIT)).toString().trim();
    return text === '' || isJson(text);
  } catch {
    // Too long for a registry, or broken, which says nothing good of it either.
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function ofFailure(url: ProbedUrl, error: UpstreamError): Finding {
  if (error instanceof UpstreamUnreachable || error instanceof UpstreamSlow) {
    return { ok: false, told: `does not answer: ${error.reason}` };
  }
  if (error instanceof UpstreamNotFound) return withoutToken(url);
  if (error instanceof UpstreamLimited) return limited(error.retryAfter);
  return bad(error.reason);
}

function ofTokenFailure(url: ProbedUrl, error: UpstreamError): Finding {
  if (error instanceof UpstreamNotFound) return withoutToken(url);
  if (error instanceof UpstreamLimited) return bad(`its token server ${limits(error.retryAfter)}`);
  return bad(error.reason);
}

/** Nobody in particular asked for a token, and got none. */
function withoutToken({ hasCredentials }: ProbedUrl): Finding {
  return hasCredentials ? bad(NOT_GIVEN) : WELL_PERHAPS;
}

function limited(seconds: number | undefined): Finding {
  return bad(limits(seconds));
}

function limits(seconds: number | undefined): string {
  return `limits requests now${seconds === undefined ? '' : `, for ${seconds} s`}`;
}

function bad(why: string): Finding {
  return { ok: false, told: `answers, but ${why}` };
}

function typed({ where }: ProbedUrl, error: unknown): UpstreamError {
  const known = typedError(where, error);
  if (known === undefined) throw error;
  return known;
}
