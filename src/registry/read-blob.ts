import { parseRangeHeader, type RangeRequest, rangeLength } from '../oci/byte-range.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { BlobAnswer } from '../oci/repository-reader.ts';
import { answerEmpty, clientSignal, matchesEntityTag } from './answers.ts';
import type { RepositoryExchange } from './registry-api.ts';
import { streamContent } from './stream-content.ts';

/** What is addressed by digest never changes. */
export const IMMUTABLE = 'max-age=31536000, immutable';

/** end-2: GET and HEAD of a blob; ranges by RFC 9110 section 14. */
export async function readBlob({ ctx, repository }: RepositoryExchange, digest: Digest): Promise<void> {
  const method = ctx.method === 'HEAD' ? 'HEAD' : 'GET';
  const signal = clientSignal(ctx);
  const blob = await repository.reader.blob(digest, { method, signal });
  const etag = `"${digest}"`;
  ctx.set({
    'Docker-Content-Digest': digest,
    ETag: etag,
    'Cache-Control': IMMUTABLE,
    'Accept-Ranges': 'bytes',
    'Content-Type': 'application/octet-stream',
  });
  if (matchesEntityTag(ctx.headers['if-none-match'], etag)) {
    answerEmpty(ctx, 304);
    return;
  }
  if (method === 'HEAD') {
    ctx.status = 200;
    if (blob.size !== undefined) ctx.set('Content-Length', String(blob.size));
    return;
  }
  const url = await blob.redirect();
  if (url !== undefined) {
    redirectTo(ctx, url);
    return;
  }
  await answerRange(ctx, blob, signal);
}

/** The content never changes, but what leads to it ends within minutes. */
function redirectTo(ctx: RepositoryExchange['ctx'], url: string): void {
  for (const name of ['ETag', 'Accept-Ranges']) ctx.remove(name);
  ctx.set({ Location: url, 'Cache-Control': 'no-store' });
  answerEmpty(ctx, 307);
}

async function answerRange(
  ctx: RepositoryExchange['ctx'],
  blob: BlobAnswer,
  signal: AbortSignal,
): Promise<void> {
  if (blob.size === undefined) {
    ctx.status = 200;
    await streamContent(ctx, await blob.open(undefined, signal), undefined);
    return;
  }
  const request = rangeOf(ctx, blob, blob.size);
  if (request.kind === 'unsatisfiable') {
    throw new RegistryError('RANGE_INVALID', {
      message: `the blob has ${blob.size} bytes, and ${ctx.headers.range} asks for none of them`,
      headers: { 'content-range': `bytes */${blob.size}` },
    });
  }
  const range = request.kind === 'part' ? request.range : undefined;
  const length = range === undefined ? blob.size : rangeLength(range);
  ctx.status = range === undefined ? 200 : 206;
  if (range !== undefined) ctx.set('Content-Range', `bytes ${range.start}-${range.end}/${blob.size}`);
  ctx.set('Content-Length', String(length));
  if (blob.content !== undefined) {
    ctx.body = range === undefined ? blob.content : blob.content.subarray(range.start, range.end + 1);
  } else {
    const chunks = await blob.open(range, signal);
    await streamContent(ctx, chunks, length);
  }
}

/** `If-Range` with anything but this blob's entity tag means: the whole. */
function rangeOf(ctx: RepositoryExchange['ctx'], { digest }: BlobAnswer, size: number): RangeRequest {
  const condition = ctx.headers['if-range'];
  if (condition !== undefined && condition !== `"${digest}"`) return { kind: 'whole' };
  return parseRangeHeader(ctx.headers.range, size);
}
