import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpClient } from './http-client.ts';
import { digestOf, RepositoryClient } from './registry-client.ts';

/** An upload that was cut off. */
export interface InterruptedUpload {
  readonly origin: string;
  readonly name: string;
  /** The Location that was answered last. */
  readonly session: string;
  readonly content: Buffer;
  /** Bytes that the server said it has. */
  readonly acknowledged: number;
  /** Bytes that were given to the connection. */
  readonly sent: number;
}

export interface UploadUntilCut {
  readonly http: HttpClient;
  readonly origin: string;
  readonly name: string;
  readonly signal: AbortSignal;
}

const chunkSize = 200_000;
const chunks = 200;

/**
 * Sends chunks, some at once and some drop by drop, until the server is cut off. Nothing when it was cut before
 * the session began.
 */
export async function uploadUntilCut(options: UploadUntilCut): Promise<InterruptedUpload | undefined> {
  const { http, origin, name, signal } = options;
  const repository = new RepositoryClient(http, { origin, name });
  const content = randomBytes(chunkSize * chunks);
  let session: string | undefined;
  let acknowledged = 0;
  let sent = 0;
  try {
    session = await repository.startUpload();
    for (let number = 0; number < chunks; number += 1) {
      const chunk = content.subarray(sent, sent + chunkSize);
      const body = number % 2 === 0 ? chunk : slowly(chunk);
      sent += chunk.byteLength;
      session = await repository.patch(session, body);
      acknowledged = sent;
    }
    throw new Error('the upload ended before the server was cut off');
  } catch (error) {
    if (!signal.aborted) throw error;
    return session === undefined ? undefined : { origin, name, session, content, acknowledged, sent };
  }
}

async function* slowly(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  const step = 20_000;
  for (let at = 0; at < chunk.byteLength; at += step) {
    yield chunk.subarray(at, at + step);
    await delay(2);
  }
}

/**
 * Goes on where the server says that it is, and ends the upload; what it has then is the content. Gives the
 * bytes that it had.
 */
export async function resumeUpload(http: HttpClient, upload: InterruptedUpload): Promise<{ found: number }> {
  const repository = new RepositoryClient(http, { origin: upload.origin, name: upload.name });
  const { size, session } = await repository.uploadStatus(upload.session);
  const end = Math.min(size + chunkSize, upload.content.byteLength);
  const wanted = upload.content.subarray(0, end);
  const digest = digestOf(wanted);
  const last = await repository.patch(session, wanted.subarray(size), { from: size });
  await repository.finish(last, digest);
  const stored = await repository.getBlob(digest);
  if (!stored.equals(wanted)) throw new Error('the digest is right and the content is not');
  return { found: size };
}
