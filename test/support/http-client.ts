import { once } from 'node:events';
import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface SendOptions {
  /** Default GET. */
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Bytes go with their length; chunks go as they come, without one. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** Plain HTTP without anything done on its own: no redirects, no retries, no decompression. */
export interface HttpClient extends Disposable {
  /** @throws when the connection breaks or the client's time passes without a byte */
  send(url: string | URL, options?: SendOptions): Promise<Answer>;
}

/** @param options `silence`: milliseconds without a byte that are borne; default 30 s */
export function httpClient({ silence = 30_000 }: { readonly silence?: number } = {}): HttpClient {
  const agent = new Agent({ keepAlive: true });
  return {
    send: (url, options = {}) => send({ agent, silence }, url, options),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

interface Connections {
  readonly agent: Agent;
  readonly silence: number;
}

async function send(
  { agent, silence }: Connections,
  url: string | URL,
  options: SendOptions,
): Promise<Answer> {
  const { method = 'GET', body, signal } = options;
  const length = body instanceof Uint8Array ? { 'content-length': body.byteLength } : {};
  const headers = { ...length, ...options.headers };
  const outgoing = request(url, { agent, method, headers, timeout: silence, ...(signal && { signal }) });
  outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${url}: no byte for ${silence} ms`)));
  const answered = once(outgoing, 'response');
  if (body === undefined || body instanceof Uint8Array) outgoing.end(body);
  else await Promise.race([pipeline(Readable.from(body, { objectMode: false }), outgoing), answered]);
  const [incoming] = await answered;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return { status: incoming.statusCode, headers: incoming.headers, body: Buffer.concat(chunks) };
}
