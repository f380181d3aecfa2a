import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How much and how long is still read after an answer that came before its request's body had ended. */
export interface LingerLimits {
  readonly bytes: number;
  /** Milliseconds in all. */
  readonly time: number;
  /** Milliseconds without a new byte. */
  readonly idle: number;
}

export const LINGER_LIMITS: LingerLimits = { bytes: 1024 ** 3, time: 60_000, idle: 5_000 };

/** A rest up to this is read so that the connection can be used again, as Go's server does. */
const KEEPS_CONNECTION = 256 * 1024;

const CHECK_EVERY = 500;

const discard = () => {};

/**
 * Ends our side, drops what the other side still sends, then closes. Closing with unread bytes would make the
 * kernel reset the connection, and the answer be lost to a client that writes before it reads.
 */
export function lingerAndClose(socket: Socket, limits: LingerLimits): void {
  const first = socket.bytesRead;
  const started = performance.now();
  let seen = first;
  let moved = started;
  const timer = setInterval(
    () => {
      const now = performance.now();
      if (socket.bytesRead !== seen) {
        seen = socket.bytesRead;
        moved = now;
      }
      const over = seen - first > limits.bytes || now - started > limits.time || now - moved > limits.idle;
      if (over) socket.destroy();
    },
    Math.min(CHECK_EVERY, limits.idle),
  );
  socket.once('close', () => clearInterval(timer));
  socket.once('end', () => socket.destroy());
  socket.end();
}

function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

function keepsConnection(req: IncomingMessage): boolean {
  const length = req.headers['content-length'];
  // Who waits for 100 (Continue) may never send the body: Node closes then by itself.
  return length !== undefined && Number(length) <= KEEPS_CONNECTION && req.headers.expect === undefined;
}

/** Must be called before the request is handled. Costs nothing where there is no body. */
export function watchEarlyAnswer(req: IncomingMessage, res: ServerResponse, limits: LingerLimits): void {
  if (!hasBody(req)) return;
  if (keepsConnection(req)) {
    res.once('finish', () => {
      if (!req.complete) req.on('data', discard).resume();
    });
    return;
  }
  const { socket } = req;
  const { shouldKeepAlive } = res;
  const closeNow = socket.destroySoon;
  // Until the body has ended, an answer is an early one: it says "Connection: close" and is lingered on.
  res.shouldKeepAlive = false;
  req.once('end', () => {
    res.shouldKeepAlive = shouldKeepAlive;
    socket.destroySoon = closeNow;
  });
  // What Node calls on a connection whose last answer has left.
  socket.destroySoon = () => {
    if (req.complete) {
      closeNow.call(socket);
      return;
    }
    socket.destroySoon = closeNow;
    req.once('end', () => socket.destroySoon());
    req.on('data', discard).resume();
    lingerAndClose(socket, limits);
  };
}
