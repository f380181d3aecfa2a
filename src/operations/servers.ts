import { createServer as createHttp } from 'node:http';
import { createSecureServer as createHttp2 } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import type { Server as NetServer } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { RequestHandler } from './exchange.ts';
import type { ClientCertificateRule } from './tls-settings.ts';

export interface ServerTimes {
  /** Milliseconds for the headers of a request to arrive. */
  readonly headers: number;
  /** Milliseconds that a connection without a request stays open; Go's clients keep theirs for 90 s. */
  readonly keepAlive: number;
  /** Milliseconds without a byte in either direction after which a client that does not read is given up. */
  readonly stall: number;
}

export interface ServerSettings {
  readonly times: ServerTimes;
  readonly maxHeaderSize: number;
  readonly secure?: SecureSettings;
}

export interface SecureSettings {
  readonly context: SecureContextOptions;
  readonly clients: ClientCertificateRule;
  readonly http2: boolean;
}

export interface CreatedServer {
  readonly server: NetServer;
  /** Another certificate for the handshakes to come; does nothing without TLS. */
  setContext(context: SecureContextOptions): void;
}

/** Milliseconds for a TLS handshake. */
const HANDSHAKE = 15_000;

/** Bytes that a peer may send on one HTTP/2 stream, and on the whole session, before we have read them. */
const STREAM_WINDOW = 1024 * 1024;
const SESSION_WINDOW = 8 * STREAM_WINDOW;

const MAX_STREAMS = 256;

/** MB; what is above refuses further streams, so it must hold the windows and the answers on their way. */
const MAX_SESSION_MEMORY = 64;

function http1Options({ times, maxHeaderSize }: ServerSettings) {
  return {
    maxHeaderSize,
    // Uploads take as long as they take: what a silent body may do is up to its reader.
    requestTimeout: 0,
    headersTimeout: times.headers,
    keepAliveTimeout: times.keepAlive,
    connectionsCheckingInterval: Math.min(5_000, times.headers),
    // A client whose machine vanished sends nothing that would tell.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    noDelay: true,
    // Refused by us, in the specification's JSON.
    requireHostHeader: false,
  };
}

type SecureServerSettings = ServerSettings & { readonly secure: SecureSettings };

function secureOptions(settings: SecureServerSettings) {
  const { context, clients } = settings.secure;
  return {
    ...context,
    ...http1Options(settings),
    requestCert: clients.requestCert,
    rejectUnauthorized: clients.rejectUnauthorized,
    handshakeTimeout: HANDSHAKE,
  };
}

function secureHttp2(handler: RequestHandler, settings: SecureServerSettings): CreatedServer {
  const server = createHttp2(
    {
      ...secureOptions(settings),
      allowHTTP1: true,
      maxSessionMemory: MAX_SESSION_MEMORY,
      settings: { initialWindowSize: STREAM_WINDOW, maxConcurrentStreams: MAX_STREAMS },
    },
    handler,
  );
  server.on('session', (session) => {
    session.setLocalWindowSize(SESSION_WINDOW);
    session.setTimeout(settings.times.keepAlive, () => session.close());
  });
  return { server, setContext: (context) => server.setSecureContext(context) };
}

function secureHttp1(handler: RequestHandler, settings: SecureServerSettings): CreatedServer {
  const server = createHttps(secureOptions(settings), handler);
  server.timeout = settings.times.stall;
  return { server, setContext: (context) => server.setSecureContext(context) };
}

function plain(handler: RequestHandler, settings: ServerSettings): CreatedServer {
  const server = createHttp(http1Options(settings), handler);
  server.timeout = settings.times.stall;
  return { server, setContext: () => {} };
}

/** A server with its limits set; it does not listen yet. */
export function createServer(handler: RequestHandler, settings: ServerSettings): CreatedServer {
  const { secure } = settings;
  if (secure === undefined) return plain(handler, settings);
  return secure.http2
    ? secureHttp2(handler, { ...settings, secure })
    : secureHttp1(handler, { ...settings, secure });
}
