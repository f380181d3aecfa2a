import { RedirectedError } from './elsewhere-errors.ts';
import { discard } from './response-body.ts';
import type { Hop, HopResponse, Transport } from './transport.ts';
import { UpstreamWrong } from './upstream-errors.ts';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 8;

export interface Followed {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent to the first server only, and again to it when a redirect leads back and is refused without. */
  readonly authorization?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly bulk?: boolean;
  /** Refuses private addresses from the first request on. Default: after a redirect by a public server only. */
  readonly publicOnly?: boolean;
  /** What to send to another server that asks for a token. */
  readonly elsewhere?: (refusal: HopResponse) => Promise<string | undefined>;
}

/** Where a redirect led to an answer that no credentials were needed for. */
export interface RedirectTarget {
  readonly url: URL;
  /** Whether it may not be a private address, since a public server led there. */
  readonly publicOnly: boolean;
}

export interface FollowedResponse extends HopResponse {
  /** Undefined without a redirect, and where the answer was for somebody in particular. */
  readonly target: RedirectTarget | undefined;
}

/**
 * Sends a request and follows where it is redirected to: no credentials go along, never to a private address from
 * a public server, bounded.
 * @throws UpstreamWrong, what Transport.exchange throws, and RedirectedError with that behind a redirect
 */
export async function follow(transport: Transport, request: Followed): Promise<FollowedResponse> {
  const { method, headers, signal, authorization } = request;
  const origin = request.url.origin;
  const seen = new Set<string>();
  let publicOnly = request.publicOnly === true;
  let url = request.url;
  let send = authorization;
  for (;;) {
    let anybody = url !== request.url;
    const hop = { method, url, signal, publicOnly, bulk: request.bulk };
    const exchange = (authorization: string | undefined) =>
      exchangeAt(transport, { ...hop, headers: withAuthorization(headers, authorization) }, origin);
    let response = await exchange(send);
    if (response.status === 401 && url !== request.url) {
      const again = url.origin === origin ? authorization : await request.elsewhere?.(response);
      if (again !== undefined) {
        anybody = false;
        await discard(response.body);
        response = await exchange(again);
      }
    }
    if (!REDIRECTS.has(response.status)) {
      return { ...response, target: anybody ? { url, publicOnly } : undefined };
    }
    seen.add(url.href);
    const next = location(response);
    await discard(response.body);
    if (seen.has(next.href) || seen.size > MOST_REDIRECTS) {
      throw new UpstreamWrong(request.url.host, 'redirects in a circle, or too often');
    }
    publicOnly ||= transport.isPublic(url);
    url = next;
    send = undefined;
  }
}

async function exchangeAt(transport: Transport, hop: Hop, origin: string): Promise<HopResponse> {
  try {
    return await transport.exchange(hop);
  } catch (error) {
    if (hop.url.origin === origin || error === hop.signal?.reason) throw error;
    throw new RedirectedError(hop.url.host, { cause: error });
  }
}

function withAuthorization(
  headers: Readonly<Record<string, string>>,
  authorization: string | undefined,
): Readonly<Record<string, string>> {
  return authorization === undefined ? headers : { ...headers, authorization };
}

function location({ url, headers }: HopResponse): URL {
  const text = headers.location;
  const next = typeof text === 'string' ? URL.parse(text, url.href) : null;
  if (next === null || (next.protocol !== 'https:' && next.protocol !== 'http:')) {
    throw new UpstreamWrong(url.host, 'redirects to no address');
  }
  next.username = '';
  next.password = '';
  next.hash = '';
  return next;
}
