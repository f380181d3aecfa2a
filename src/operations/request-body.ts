import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { RegistryError } from '../oci/errors.ts';
import type { BodyBuffers } from './body-buffers.ts';
import { bufferGarbage } from './buffer-garbage.ts';
import { CollectedBytes } from './collected-bytes.ts';
import type { Answer, Request } from './exchange.ts';
import { GatheredChunks } from './gathered-chunks.ts';

/** The connection ended before the request's body did: nobody is left to answer. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
  readonly code = 'CLIENT_GONE';
}

export interface BodyOptions {
  /** Milliseconds that may pass without a byte while the reader waits for one. */
  readonly idle: number;
}

function isHttp1(res: Answer): res is ServerResponse {
  return 'assignSocket' in res;
}

function sendContinue(req: Request, res: ServerResponse | Http2ServerResponse): void {
  if (req.headers.expect?.toLowerCase() !== '100-continue' || res.headersSent) return;
  if (isHttp1(res)) res.writeContinue();
  else res.writeContinue();
}

function idleError(idle: number): RegistryError {
  return new RegistryError('REQUEST_INVALID', {
    status: 408,
    message: `nothing came of the request body for ${Math.round(idle / 1000)} s`,
  });
}

/** node:http2 may end the body of a stream that was reset as if it were whole, and does not call it destroyed. */
function isCut(req: Request): boolean {
  return (
    req.destroyed || ('stream' in req && (req.aborted || req.stream.destroyed || req.stream.rstCode !== 0))
  );
}

/** A body that Node has to its end, though its connection may be gone by now. */
function isWhole(req: Request): boolean {
  return !('stream' in req) && req.readableEnded;
}

/**
 * The request's body as it arrives, what came while the reader was busy gathered in one chunk. A chunk is valid
 * until the next is asked for. The first read is what answers `Expect: 100-continue` (RFC 9110 section 10.1.1), so
 * an error answered before never does. Giving up in the middle leaves the connection to the answer.
 * @throws RegistryError 408 when nothing comes for too long, ClientGoneError when the connection ends
 */
export async function* readBody(
  req: Request,
  res: Answer,
  options: BodyOptions & { readonly buffers: BodyBuffers },
): AsyncGenerator<Buffer> {
  const gathered = new GatheredChunks(options.buffers);
  try {
    yield* arriving(req, res, { ...options, waiting: gathered });
  } finally {
    gathered.close();
  }
}

/** Chunks that arrived and were not read yet. */
interface WaitingChunks {
  /** Whether the body should pause. */
  readonly full: boolean;
  add(chunk: Buffer): void;
  take(): Buffer | undefined;
}

async function* arriving(
  req: Request,
  res: Answer,
  { idle, waiting }: BodyOptions & { readonly waiting: WaitingChunks },
): AsyncGenerator<Buffer> {
  sendContinue(req, res);
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  const onEnd = () => wake?.();
  const onData = (chunk: Buffer) => {
    bufferGarbage.arrived(chunk.length);
    waiting.add(chunk);
    if (waiting.full) req.pause();
    wake?.();
  };
  const fail = (error: Error) => {
    failure ??= error;
    wake?.();
  };
  const onError = (cause: Error) => fail(new ClientGoneError('the client went away', { cause }));
  const onClose = () => {
    if (!req.readableEnded) fail(new ClientGoneError('the client went away'));
  };
  const timer = setTimeout(() => {
    if (wake === undefined) return;
    // The rest of the body may never come: RFC 9110 section 15.5.9.
    if (isHttp1(res)) res.shouldKeepAlive = false;
    fail(idleError(idle));
  }, idle);
  req.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  try {
    while (true) {
      const chunk = waiting.take();
      if (chunk !== undefined) {
        if (req.isPaused() && !waiting.full) req.resume();
        yield chunk;
        continue;
      }
      if (failure !== undefined) throw failure;
      if (isCut(req) && !isWhole(req)) throw new ClientGoneError('the client went away');
      if (req.readableEnded) return;
      timer.refresh();
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    }
  } finally {
    clearTimeout(timer);
    req.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
    if (!req.readableEnded) req.pause();
  }
}

/** Chunks one by one, as they came. */
class SingleChunks implements WaitingChunks {
  readonly full = false;
  readonly #chunks: Buffer[] = [];

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  take(): Buffer | undefined {
    return this.#chunks.shift();
  }
}

/**
 * The whole of a small body.
 * @throws RegistryError SIZE_INVALID (413) above `limit` bytes, and what `readBody` throws
 */
export async function readSmallBody(
  req: Request,
  res: Answer,
  options: BodyOptions & { readonly limit: number },
): Promise<Buffer> {
  const tooLarge = () =>
    new RegistryError('SIZE_INVALID', {
      status: 413,
      message: `the request body is longer than ${options.limit} bytes`,
    });
  if (Number(req.headers['content-length'] ?? 0) > options.limit) throw tooLarge();
  const bytes = new CollectedBytes(options.limit);
  for await (const chunk of arriving(req, res, { idle: options.idle, waiting: new SingleChunks() })) {
    if (!bytes.fits(chunk.length)) throw tooLarge();
    bytes.add(chunk);
  }
  return bytes.content;
}
