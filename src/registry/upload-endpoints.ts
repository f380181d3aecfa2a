import { parseChunkRange } from '../oci/byte-range.ts';
import { type Digest, parseDigest, parseDigestAlgorithm } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { readBody } from '../operations/request-body.ts';
import type { SessionWriter } from '../storage/session-writer.ts';
import { KeyNotFoundError } from '../storage/storage-errors.ts';
import { answerEmpty, locationOf, queryValue } from './answers.ts';
import { record } from './audit.ts';
import { mountBlob } from './mount-blob.ts';
import type { RepositoryExchange } from './registry-api.ts';

/** end-4a, 4b, 4c, 11: POST, which mounts a blob, takes it whole, or starts a session. */
export async function startUpload(exchange: RepositoryExchange): Promise<void> {
  const { ctx, api, repository } = exchange;
  const mount = queryValue(ctx, 'mount');
  const digest = queryValue(ctx, 'digest');
  const algorithm = queryValue(ctx, 'digest-algorithm');
  const announced = algorithm === undefined ? undefined : parseDigestAlgorithm(algorithm);
  if (mount !== undefined && (await mountBlob(exchange, parseDigest(mount)))) {
    answerBlobCreated(exchange, parseDigest(mount));
    return;
  }
  if (digest !== undefined && hasBody(ctx)) {
    await takeWhole(exchange, parseDigest(digest));
    return;
  }
  if (digest !== undefined) parseDigest(digest);
  const id = await api.storage.uploads.start(repository.stored, announced);
  answerSession(exchange, { id, size: 0, status: 202 });
}

/** end-5: PATCH, the whole in a stream or one chunk with `Content-Range`. */
export async function patchUpload(exchange: RepositoryExchange, id: string): Promise<void> {
  await using writer = await openSession(exchange, id);
  await appendBody(exchange, writer);
  answerSession(exchange, { id, size: writer.size, status: 202 });
}

/** end-6: PUT, with the last chunk, all of the content, or nothing. */
export async function finishUpload(exchange: RepositoryExchange, id: string): Promise<void> {
  const text = queryValue(exchange.ctx, 'digest');
  if (text === undefined) {
    throw new RegistryError('DIGEST_INVALID', {
      message: 'the digest parameter that ends an upload is missing',
    });
  }
  const digest = parseDigest(text);
  await using writer = await openSession(exchange, id, digest);
  await appendBody(exchange, writer, digest);
  await writer.finish(digest);
  record(exchange, { audit: 'push', reference: digest });
  answerBlobCreated(exchange, digest);
}

/** end-13: GET, how far a session is. */
export async function readUpload(exchange: RepositoryExchange, id: string): Promise<void> {
  const { api, repository } = exchange;
  const size = await orUnknown(id, api.storage.uploads.size(repository.stored, id));
  answerSession(exchange, { id, size, status: 204 });
}

/** end-14: DELETE, which throws a session away. */
export async function cancelUpload(exchange: RepositoryExchange, id: string): Promise<void> {
  await using writer = await openSession(exchange, id);
  await writer.drop();
  answerEmpty(exchange.ctx, 204);
}

async function takeWhole(exchange: RepositoryExchange, digest: Digest): Promise<void> {
  const { api, repository } = exchange;
  await using writer = await api.storage.uploads.openNew(repository.stored, digest);
  try {
    await appendBody(exchange, writer, digest);
    await writer.finish(digest);
  } catch (error) {
    // The client never learned of this session and cannot go on with it. What fails here is the same failure.
    await writer.drop().catch(() => {});
    throw error;
  }
  record(exchange, { audit: 'push', reference: digest });
  answerBlobCreated(exchange, digest);
}

function openSession(
  { api, repository }: RepositoryExchange,
  id: string,
  expected?: Digest,
): Promise<SessionWriter> {
  return orUnknown(id, api.storage.uploads.open(repository.stored, id, expected));
}

async function orUnknown<Result>(id: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof KeyNotFoundError)) throw error;
    throw new RegistryError('BLOB_UPLOAD_UNKNOWN', { detail: { id: id.slice(0, 100) }, cause: error });
  }
}

function hasBody(ctx: RepositoryExchange['ctx']): boolean {
  const length = ctx.headers['content-length'];
  return ctx.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

async function appendBody(
  exchange: RepositoryExchange,
  writer: SessionWriter,
  expected?: Digest,
): Promise<void> {
  const { ctx, api } = exchange;
  const length = chunkLength(exchange, writer);
  const body = readBody(ctx.req, ctx.res, { idle: api.settings.idleBody, buffers: api.bodyBuffers });
  await api.uploadSlots.within(() =>
    writer.append(length === undefined ? body : exactly(body, length), expected),
  );
}

/**
 * Bytes that `Content-Range` announces, after a look whether they go on where the session is; undefined without it.
 * @throws RegistryError CHUNK_INVALID (416) for a chunk out of order, SIZE_INVALID
 */
function chunkLength(exchange: RepositoryExchange, writer: SessionWriter): number | undefined {
  const { ctx, repository } = exchange;
  const header = ctx.headers['content-range'];
  if (header === undefined) return undefined;
  const range = parseChunkRange(header);
  const contentLength = ctx.headers['content-length'];
  if (contentLength === '0' && ctx.method === 'PUT' && range === undefined) return undefined;
  if (range === undefined || range.start !== writer.size) {
    const path = sessionPath(repository.asked, writer.id);
    throw new RegistryError('CHUNK_INVALID', {
      message:
        range === undefined
          ? `Content-Range must be <first byte>-<last byte>, not ${JSON.stringify(header.slice(0, 80))}`
          : `the session has ${writer.size} bytes, and this chunk starts at ${range.start}`,
      headers: { location: location(exchange, path), range: rangeOf(writer.size) },
    });
  }
  const length = range.end - range.start + 1;
  if (contentLength !== undefined && Number(contentLength) !== length) {
    throw new RegistryError('SIZE_INVALID', {
      message: `Content-Range announces ${length} bytes, Content-Length ${contentLength}`,
    });
  }
  return length;
}

/** @throws RegistryError SIZE_INVALID; no more than `length` bytes get through */
async function* exactly(body: AsyncIterable<Buffer>, length: number): AsyncGenerator<Buffer> {
  let left = length;
  for await (const chunk of body) {
    if (chunk.length > left) {
      yield chunk.subarray(0, left);
      throw new RegistryError('SIZE_INVALID', {
        message: `the chunk is longer than the ${length} bytes announced`,
      });
    }
    left -= chunk.length;
    yield chunk;
  }
  if (left > 0) {
    throw new RegistryError('SIZE_INVALID', {
      message: `the chunk ended ${left} bytes before what was announced`,
    });
  }
}

/** `0-<last byte>`; what is empty cannot be said and is `0-0` by custom. */
function rangeOf(size: number): string {
  return `0-${Math.max(size - 1, 0)}`;
}

function sessionPath(name: string, id: string): string {
  return `/v2/${name}/blobs/uploads/${id}`;
}

function location({ ctx, api }: RepositoryExchange, path: string): string {
  return locationOf(ctx, { path, relative: api.settings.relativeUrls });
}

function answerSession(
  exchange: RepositoryExchange,
  session: { readonly id: string; readonly size: number; readonly status: 202 | 204 },
): void {
  const { ctx, repository } = exchange;
  answerEmpty(ctx, session.status);
  ctx.set('Location', location(exchange, sessionPath(repository.asked, session.id)));
  ctx.set('Range', rangeOf(session.size));
  ctx.set('Docker-Upload-UUID', session.id);
}

function answerBlobCreated(exchange: RepositoryExchange, digest: Digest): void {
  const { ctx, repository } = exchange;
  answerEmpty(ctx, 201);
  ctx.set('Location', location(exchange, `/v2/${repository.asked}/blobs/${digest}`));
  ctx.set('Docker-Content-Digest', digest);
}
