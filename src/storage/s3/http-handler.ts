import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { LargeBodyAgent, largeBodyOf } from './large-bodies.ts';
import { logRequest, type RequestLog } from './request-log.ts';

/** As much of the SDK's request as is sent. */
export interface SdkRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly method: string;
  readonly path: string;
  readonly query?: Record<string, string | string[] | null>;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

export interface SdkResponse {
  readonly statusCode: number;
  readonly reason: string;
  readonly headers: Record<string, string>;
  readonly body: Readable;
}

export interface HandlerSettings {
  /** Milliseconds to get a connection. */
  readonly connect: number;
  /** Milliseconds without a byte in either direction, unless the call names its own. */
  readonly silence: number;
  readonly ca?: string | undefined;
  readonly skipVerify?: boolean | undefined;
  readonly proxyEnvironment?: Readonly<Record<string, string | undefined>> | undefined;
  readonly log?: RequestLog | undefined;
}

/** Nothing came and nothing went for as long as is bearable. */
export class SilentServerError extends Error {
  override readonly name = 'SilentServerError';

  constructor(what: string, milliseconds: number) {
    super(`${what} for ${milliseconds / 1000} s`);
  }
}

/**
 * The SDK's way to the network. In place of the SDK's own because its timeouts count the whole answer, or a
 * connection's idleness while nobody reads from it: here only silence counts that we are waiting in.
 */
export class SilenceHttpHandler {
  readonly #settings: HandlerSettings;
  readonly #http: LargeBodyAgent;
  readonly #https: HttpsAgent;

  constructor(settings: HandlerSettings) {
    this.#settings = settings;
    const pool = { keepAlive: true, maxFreeSockets: 128, noDelay: true, proxyEnv: proxyOf(settings) };
    this.#http = new LargeBodyAgent(pool);
    this.#https = new HttpsAgent({
      ...pool,
      ...(settings.ca === undefined ? {} : { ca: settings.ca }),
      rejectUnauthorized: settings.skipVerify !== true,
    });
  }

  handle(
    request: SdkRequest,
    options: { readonly abortSignal?: unknown; readonly requestTimeout?: number } = {},
  ): Promise<{ response: SdkResponse }> {
    const silence = options.requestTimeout ?? this.#settings.silence;
    const signal = options.abortSignal instanceof AbortSignal ? options.abortSignal : undefined;
    return new Promise((resolve, reject) => {
      const secure = request.protocol === 'https:';
      const common = {
        host: request.hostname,
        method: request.method,
        path: pathOf(request),
        headers: request.headers,
        ...(request.port === undefined ? {} : { port: request.port }),
        ...(signal === undefined ? {} : { signal }),
      };
      const call = secure
        ? httpsRequest({ ...common, agent: this.#https })
        : httpRequest({ ...common, agent: this.#http });
      if (this.#settings.log !== undefined) logRequest(call, this.#settings.log);
      let response: IncomingMessage | undefined;
      call.on('socket', (socket) => {
        watchConnecting(call, socket, this.#settings.connect);
        watchSilence(call, { socket, silence, response: () => response });
      });
      call.on('error', reject);
      call.once('response', (message) => {
        response = message;
        // The SDK reads all other answers itself, and a list may be as long.
        if (!secure && request.query?.['x-id'] === 'GetObject') this.#http.takeBody(message);
        resolve({ response: sdkResponse(message) });
      });
      send(call, request.body).catch((error: unknown) => call.destroy(asError(error)));
    });
  }

  destroy(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  updateHttpClientConfig(): void {}

  httpHandlerConfigs(): Record<string, never> {
    return {};
  }
}

function watchConnecting(call: ClientRequest, socket: Socket, milliseconds: number): void {
  if (!socket.connecting) return;
  const ready = call.protocol === 'https:' ? 'secureConnect' : 'connect';
  const timer = setTimeout(
    () => call.destroy(new SilentServerError('no connection', milliseconds)),
    milliseconds,
  );
  const stop = (): void => clearTimeout(timer);
  socket.once(ready, stop);
  call.once('close', stop);
}

interface SilenceWatch {
  readonly socket: Socket;
  readonly silence: number;
  readonly response: () => IncomingMessage | undefined;
}

/** Node counts a large write that moves as activity; what we leave unread is no silence of the server's. */
function watchSilence(call: ClientRequest, { socket, silence, response }: SilenceWatch): void {
  const onTimeout = (): void => {
    const message = response();
    if (message !== undefined && !isAwaited(message)) {
      socket.setTimeout(silence);
      return;
    }
    const error = new SilentServerError('no answer', silence);
    if (message === undefined) call.destroy(error);
    else message.destroy(error);
  };
  socket.setTimeout(silence);
  socket.on('timeout', onTimeout);
  call.once('close', () => {
    socket.removeListener('timeout', onTimeout);
    socket.setTimeout(0);
  });
}

function isAwaited(message: IncomingMessage): boolean {
  return largeBodyOf(message)?.isAwaited ?? message.readableLength === 0;
}

async function send(call: ClientRequest, body: unknown): Promise<void> {
  if (body === undefined || body === null) {
    call.end();
  } else if (typeof body === 'string' || body instanceof Uint8Array) {
    call.end(body);
  } else if (body instanceof Readable) {
    let answer: IncomingMessage | undefined;
    call.once('response', (message) => {
      answer = message;
    });
    for await (const chunk of body) {
      if (call.destroyed) return;
      // An answer that comes before the body has ended is a refusal: the rest is not wanted, and the connection
      // is good for nothing else.
      if (answer !== undefined) {
        if (answer.readableEnded) call.destroy();
        else answer.once('close', () => call.destroy());
        return;
      }
      if (!call.write(chunk)) await drained(call);
    }
    call.end();
  } else {
    throw new TypeError('a body of this kind is never sent');
  }
}

function drained(call: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.removeListener('drain', done);
      call.removeListener('close', done);
      call.removeListener('response', done);
      resolve();
    };
    call.once('drain', done);
    call.once('close', done);
    call.once('response', done);
  });
}

function sdkResponse(message: IncomingMessage): SdkResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    statusCode: message.statusCode ?? 0,
    reason: message.statusMessage ?? '',
    headers,
    body: message,
  };
}

function pathOf({ path, query }: SdkRequest): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) =>
      one === null ? escape3986(name) : `${escape3986(name)}=${escape3986(one)}`,
    ),
  );
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

/** As signatures of version 4 have it. */
function escape3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function proxyOf({ proxyEnvironment }: HandlerSettings): NodeJS.ProcessEnv | undefined {
  return proxyEnvironment === undefined ? undefined : { ...proxyEnvironment };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('sending failed', { cause: error });
}
