import { Http2ServerResponse, type ServerHttp2Session } from 'node:http2';
import type { Server as NetServer, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { followCertificate } from './certificate-reload.ts';
import { Connections } from './connections.ts';
import type { Answer, Request, RequestHandler } from './exchange.ts';
import { LINGER_LIMITS, type LingerLimits } from './lingering-close.ts';
import { parseListenAddress } from './listen-address.ts';
import { listenOn } from './listen-on.ts';
import type { Logger } from './logger.ts';
import { answerError, connectRefusal, prepared, refuseExpectation } from './prepare-exchange.ts';
import { type ParserError, parserRefusal, refuse } from './refusals.ts';
import { createServer, type ServerTimes } from './servers.ts';
import { clientCertificateRule, readTlsMaterial, type TlsOptions } from './tls-settings.ts';

export interface ListenOptions {
  /** distribution's `http.addr`: `:5000`, `host:port`, `[::]:5000`, or a socket's path. */
  readonly address: string;
  /** distribution's `http.net`: tcp (also when empty) or unix. */
  readonly network?: string;
  readonly tls?: TlsOptions;
  /** Offered over TLS unless false. */
  readonly http2?: boolean;
  readonly times?: Partial<ServerTimes>;
  readonly linger?: LingerLimits;
  readonly maxConnections?: number;
  readonly maxHeaderSize?: number;
  readonly logger?: Logger;
}

export interface Listener extends AsyncDisposable {
  /** `127.0.0.1:5000`, `[::]:5000`, or a socket's path. */
  readonly address: string;
  /** 0 on a Unix socket. */
  readonly port: number;
  /**
   * Takes no more connections, closes idle ones, and gives the rest `drain` milliseconds; 0 cuts them at once.
   * @returns how many had to be cut
   */
  close(options: { readonly drain: number }): Promise<number>;
}

const TIMES: ServerTimes = { headers: 30_000, keepAlive: 120_000, stall: 300_000 };

/** Node's default of 16 KiB is short for tokens with many scopes and `?tag=` lists. */
const MAX_HEADER_SIZE = 64 * 1024;

const MAX_CONNECTIONS = 32_768;

class Listening implements Listener {
  readonly #server: NetServer;
  readonly #connections: Connections;
  readonly #sessions: Set<ServerHttp2Session>;
  readonly #stopFollowing: () => void;
  readonly address: string;
  readonly port: number;

  constructor(parts: {
    server: NetServer;
    connections: Connections;
    sessions: Set<ServerHttp2Session>;
    stopFollowing: () => void;
  }) {
    this.#server = parts.server;
    this.#connections = parts.connections;
    this.#sessions = parts.sessions;
    this.#stopFollowing = parts.stopFollowing;
    const bound = parts.server.address();
    const tcp = typeof bound === 'object' && bound !== null ? bound : undefined;
    this.port = tcp?.port ?? 0;
    this.address =
      tcp === undefined
        ? String(bound)
        : `${tcp.family === 'IPv6' ? `[${tcp.address}]` : tcp.address}:${tcp.port}`;
  }

  async close({ drain }: { readonly drain: number }): Promise<number> {
    this.#stopFollowing();
    this.#server.close();
    const drained = this.#connections.drain();
    for (const session of this.#sessions) session.close();
    if (drain > 0) {
      const { promise: timeUp, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, drain);
      await Promise.race([drained, timeUp]);
      clearTimeout(timer);
    }
    const cut = this.#connections.size;
    this.#connections.cut();
    await drained;
    return cut;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ drain: 0 });
  }
}

/** A client that takes nothing of its answer for long is given up; one that is only waited for is not. */
function onStall(socket: Socket, connections: Connections, stall: number): void {
  if (connections.isIdle(socket) || socket.writableLength > 0) socket.destroy();
  else socket.setTimeout(stall);
}

interface Wiring {
  readonly server: NetServer;
  readonly connections: Connections;
  readonly sessions: Set<ServerHttp2Session>;
  readonly linger: LingerLimits;
  readonly stall: number;
}

function wire(handler: RequestHandler, { server, connections, sessions, linger, stall }: Wiring): void {
  server.on('checkContinue', handler);
  server.on('checkExpectation', (_req: Request, res: Answer) => refuseExpectation(res));
  // HTTP/2 gives an answer, HTTP/1 the bare connection.
  server.on('connect', (_req: Request, to: Socket | Http2ServerResponse) => {
    if (to instanceof Http2ServerResponse) answerError(to, connectRefusal());
    else refuse(to, connectRefusal(), linger);
  });
  server.on('timeout', (socket: Socket) => onStall(socket, connections, stall));
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.on('clientError', (error: ParserError, socket: Socket) => {
    const refusal = parserRefusal(error);
    const answer = connections.answerOn(socket);
    if (refusal === undefined || !socket.writable || answer?.headersSent === true) {
      socket.destroy();
      return;
    }
    refuse(socket, refusal, linger);
    // Who reads the body that the parser gave up would wait for it.
    if (answer !== undefined && answer.req.listenerCount('error') > 0) answer.req.emit('error', error);
  });
}

function wireConnections({ server, connections }: Wiring, accepts?: (socket: TLSSocket) => boolean): void {
  if (accepts === undefined) {
    server.on('connection', (socket: Socket) => connections.opened(socket));
    return;
  }
  server.on('secureConnection', (socket: TLSSocket) => {
    if (!accepts(socket)) {
      socket.destroy();
      return;
    }
    connections.opened(socket);
    // Its session knows when it is idle.
    if (socket.alpnProtocol === 'h2') connections.requestStarted(socket);
  });
}

/**
 * Serves `handler` on an address, with every limit of DESIGN.md "Errors and limits" set.
 * @throws Error when the address cannot be had, or the certificate not be used
 */
export async function listen(handler: RequestHandler, options: ListenOptions): Promise<Listener> {
  const times = { ...TIMES, ...options.times };
  const linger = options.linger ?? LINGER_LIMITS;
  const connections = new Connections();
  const sessions = new Set<ServerHttp2Session>();
  const target = await parseListenAddress(options.address, options.network ?? 'tcp');
  const { tls } = options;
  const material = tls === undefined ? undefined : await readTlsMaterial(tls);
  const clients = tls === undefined ? undefined : clientCertificateRule(tls);
  const handle = prepared(handler, { connections, linger });
  const { server, setContext } = createServer(handle, {
    times,
    maxHeaderSize: options.maxHeaderSize ?? MAX_HEADER_SIZE,
    ...(material === undefined || clients === undefined
      ? {}
      : { secure: { context: material.context, clients, http2: options.http2 !== false } }),
  });
  server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  const wiring = { server, connections, sessions, linger, stall: times.stall };
  wire(handle, wiring);
  wireConnections(wiring, clients?.accepts);
  await listenOn(server, target);
  const stopFollowing =
    tls === undefined || material === undefined
      ? () => {}
      : followCertificate({ options: tls, current: material, logger: options.logger, apply: setContext });
  return new Listening({ server, connections, sessions, stopFollowing });
}
