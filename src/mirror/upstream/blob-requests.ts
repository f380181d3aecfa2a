import type { ByteRange } from '../../oci/byte-range.ts';
import type { Digest } from '../../oci/digest.ts';
import { type CarriedBytes, parseContentLength, parseContentRange } from './content-range.ts';
import { discard, type ResponseBody } from './response-body.ts';
import { single } from './transport.ts';
import { UpstreamWrong } from './upstream-errors.ts';
import type { UpstreamUrl } from './upstream-url.ts';

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

/** A blob's bytes on their way. */
export interface BlobAnswer {
  /** Which of the blob's bytes `body` carries; undefined: from the first on, to an end that is not told. */
  readonly carried: CarriedBytes | undefined;
  /** Bytes of the whole blob, where the answer tells. */
  readonly total: number | undefined;
  readonly body: ResponseBody;
  /** The URL that sends it. */
  readonly from: UpstreamUrl;
}

/**
 * @returns the blob's size, undefined where the upstream does not tell
 * @throws UpstreamError
 */
export async function headBlob(url: UpstreamUrl, query: BlobQuery): Promise<number | undefined> {
  const response = await url.request(blobRequest('HEAD', query));
  await discard(response.body);
  if (response.status === 405) {
    const answer = await fetchBlob(url, { ...query, range: { start: 0, end: 0 } });
    answer.body.abort();
    return answer.carried?.total;
  }
  return parseContentLength(single(response.headers, 'content-length'));
}

/** @throws UpstreamError */
export async function fetchBlob(
  url: UpstreamUrl,
  query: BlobQuery & { readonly range?: BlobRange | undefined },
): Promise<BlobAnswer> {
  const { status, headers, body } = await url.request(blobRequest('GET', query));
  const wrong = (why: string): UpstreamWrong => {
    body.abort();
    return new UpstreamWrong(url.where, why);
  };
  const encoding = single(headers, 'content-encoding');
  if (encoding !== undefined && encoding !== 'identity') throw wrong(`sent a blob in ${encoding}`);
  if (status === 200) {
    const total = parseContentLength(single(headers, 'content-length'));
    const carried = total === undefined || total === 0 ? undefined : { start: 0, end: total - 1, total };
    return { carried, total, body, from: url };
  }
  if (status !== 206 || query.range === undefined) throw wrong(`answered ${status} for a blob`);
  const carried = parseContentRange(single(headers, 'content-range'));
  // More than was asked for does no harm.
  if (carried === undefined || carried.start !== query.range.start) {
    throw wrong('sent another range than was asked for');
  }
  return { carried, total: carried.total, body, from: url };
}

function blobRequest(method: 'GET' | 'HEAD', query: BlobQuery & { readonly range?: BlobRange | undefined }) {
  const { repository, digest, signal, range, insist } = query;
  const headers = range === undefined ? undefined : { range: `bytes=${range.start}-${range.end ?? ''}` };
  const path = `/blobs/${digest}`;
  return { method, purpose: 'blob', repository, path, headers, signal, insist } as const;
}
