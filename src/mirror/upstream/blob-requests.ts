import type { ByteRange } from '../../oci/byte-range.ts';
import { type Digest, digestAlgorithm, digestOf } from '../../oci/digest.ts';
import { type CarriedBytes, parseContentLength, parseContentRange } from './content-range.ts';
import { discard, type ResponseBody } from './response-body.ts';
import { type Shortcut, shortcutTo } from './shortcut.ts';
import { type HopResponse, single } from './transport.ts';
import { UpstreamError, UpstreamWrong } from './upstream-errors.ts';
import type { UpstreamRequest, UpstreamUrl } from './upstream-url.ts';

export interface BlobQuery {
  readonly repository: string;
  readonly digest: Digest;
  readonly signal?: AbortSignal | undefined;
  /** Asks even a URL that counts as down: whoever asks has pauses of its own. */
  readonly insist?: true | undefined;
}

/** Bytes from `start` on, to `end` included or to the last. */
export interface BlobRange {
  readonly start: ByteRange['start'];
  readonly end?: ByteRange['end'] | undefined;
}

/** Which bytes of a blob, and how to get them. */
export interface BlobPartQuery extends BlobQuery {
  readonly range?: BlobRange | undefined;
  /** Of an earlier answer by the same URL for the same blob of the same repository: the range is asked for there. */
  readonly shortcut?: Shortcut | undefined;
}

/** A blob's bytes on their way. */
export interface BlobAnswer {
  /** Which of the blob's bytes `body` carries; undefined: from the first on, to an end that is not told. */
  readonly carried: CarriedBytes | undefined;
  /** Bytes of the whole blob, where the answer tells. */
  readonly total: number | undefined;
  readonly body: ResponseBody;
  /** The URL that sends it. */
  readonly from: UpstreamUrl;
  /** Where other parts of it can be asked for as well; undefined: of the URL. */
  readonly shortcut: Shortcut | undefined;
}

/**
 * @returns the blob's size, undefined where the upstream does not tell
 * @throws UpstreamError
 */
export async function headBlob(url: UpstreamUrl, query: BlobQuery): Promise<number | undefined> {
  const response = await url.request(blobRequest('HEAD', query));
  await discard(response.body);
  if (response.status >= 400) {
    const answer = await fetchBlob(url, { ...query, range: { start: 0, end: 0 } });
    answer.body.abort();
    return answer.total;
  }
  const length = parseContentLength(single(response.headers, 'content-length'));
  // Some tell the length of the answer, which has no body.
  return length === 0 && query.digest !== nothing(query.digest) ? undefined : length;
}

/** The digest of no bytes, of the same algorithm. */
function nothing(digest: Digest): Digest {
  return digestOf(Buffer.alloc(0), digestAlgorithm(digest));
}

/** @throws UpstreamError */
export async function fetchBlob(url: UpstreamUrl, query: BlobPartQuery): Promise<BlobAnswer> {
  const request = blobRequest('GET', query);
  const straight = await fetchStraight(url, query, request);
  if (straight !== undefined) return straight;
  const response = await url.request(request);
  if (response.status === 416 && query.range?.start === 0) {
    // There is no first byte: only the whole of an empty blob can be had.
    await discard(response.body);
    return await fetchBlob(url, { ...query, range: undefined });
  }
  const { carried, total } = blobBytes(url, response, query.range);
  // Only who answered with a part will do so again.
  const target = response.status === 206 ? response.target : undefined;
  return {
    carried,
    total,
    body: response.body,
    from: url,
    shortcut: shortcutTo(target, { total, now: url.now() }),
  };
}

/** @returns undefined where the URL itself has to be asked: whatever is wrong with a shortcut, that may still work */
async function fetchStraight(
  url: UpstreamUrl,
  { range, shortcut }: BlobPartQuery,
  request: UpstreamRequest,
): Promise<BlobAnswer | undefined> {
  if (range === undefined || shortcut === undefined || url.now() >= shortcut.until) return undefined;
  try {
    const response = await url.requestAt(shortcut, request);
    const { carried, total } = blobBytes(url, response, range);
    if (total === shortcut.total) return { carried, total, body: response.body, from: url, shortcut };
    response.body.abort();
    return undefined;
  } catch (error) {
    if (error instanceof UpstreamError) return undefined;
    throw error;
  }
}

/** Which bytes an answer carries. @throws UpstreamWrong where these are not what was asked for */
function blobBytes(
  { where }: UpstreamUrl,
  { status, headers, body }: HopResponse,
  range: BlobRange | undefined,
): Pick<BlobAnswer, 'carried' | 'total'> {
  const wrong = (why: string): UpstreamWrong => {
    body.abort();
    return new UpstreamWrong(where, why);
  };
  const encoding = single(headers, 'content-encoding');
  if (encoding !== undefined && encoding !== 'identity') throw wrong(`sent a blob in ${encoding}`);
  if (status === 200) {
    const total = parseContentLength(single(headers, 'content-length'));
    const carried = total === undefined || total === 0 ? undefined : { start: 0, end: total - 1, total };
    return { carried, total };
  }
  if (status !== 206 || range === undefined) throw wrong(`answered ${status} for a blob`);
  const carried = parseContentRange(single(headers, 'content-range'));
  // More than was asked for does no harm.
  if (carried === undefined || carried.start !== range.start) {
    throw wrong('sent another range than was asked for');
  }
  return { carried, total: carried.total };
}

function blobRequest(method: 'GET' | 'HEAD', query: BlobPartQuery): UpstreamRequest {
  const { repository, digest, signal, range, insist } = query;
  const headers = range === undefined ? undefined : { range: `bytes=${range.start}-${range.end ?? ''}` };
  const path = `/blobs/${digest}`;
  return { method, purpose: 'blob', repository, path, headers, signal, insist };
}
