import type { BlobAnswer, BlobRange } from '../upstream/blob-requests.ts';
import { UpstreamError, UpstreamWrong } from '../upstream/upstream-errors.ts';
import type { UpstreamUrl } from '../upstream/upstream-url.ts';
import type { FillRequest } from './fill.ts';
import type { SourceTrust } from './source-trust.ts';
import type { TransferLimits } from './transfer-limits.ts';

interface OpenFirstParts {
  readonly trust: SourceTrust<UpstreamUrl>;
  readonly limits: Pick<TransferLimits, 'firstPiece' | 'parallelFrom'>;
  readonly signal: AbortSignal;
}

/**
 * Asks for the first part of a blob, or for all of it where it is known to be small, so that nothing need be cut off
 * later. Who tells another size than the manifest did has other bytes, and gives them only when nobody has the right
 * ones: the manifest may be wrong as well.
 * @throws UpstreamError when no URL gives it
 */
export async function openFirst(request: FillRequest, parts: OpenFirstParts): Promise<BlobAnswer> {
  const { client, expectedSize } = request;
  let other: BlobAnswer | undefined;
  let among = parts.trust.order(client.byHealth());
  for (;;) {
    let answer: BlobAnswer;
    try {
      answer = await openAmong(request, parts, among);
    } catch (error) {
      if (other !== undefined && error instanceof UpstreamError) return other;
      other?.body.abort();
      throw error;
    }
    const { total, from } = answer;
    if (expectedSize === undefined || total === undefined || total === expectedSize) {
      other?.body.abort();
      return answer;
    }
    among = among.filter((url) => url !== from);
    if (other === undefined) other = answer;
    else answer.body.abort();
    if (among.length === 0) return other;
  }
}

async function openAmong(
  { client, repository, digest, expectedSize }: FillRequest,
  { limits, signal }: OpenFirstParts,
  among: readonly UpstreamUrl[],
): Promise<BlobAnswer> {
  const ask = (range?: BlobRange) => client.getBlob({ repository, digest, signal, among, range });
  if (expectedSize !== undefined && expectedSize < limits.parallelFrom) return await ask();
  try {
    return await ask({ start: 0, end: limits.firstPiece - 1 });
  } catch (error) {
    if (!(error instanceof UpstreamWrong)) throw error;
    return await ask();
  }
}
