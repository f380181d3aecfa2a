import { IncomingMessage, ServerResponse } from 'node:http';
import { RegistryError } from '../oci/errors.ts';
import type { Connections } from './connections.ts';
import type { Answer, RequestHandler } from './exchange.ts';
import { type LingerLimits, watchEarlyAnswer } from './lingering-close.ts';

/** Answers without the application: what comes before any route. */
export function answerError(res: Answer, error: RegistryError): void {
  const body = JSON.stringify(error);
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Docker-Distribution-Api-Version': 'registry/2.0',
    ...error.headers,
  };
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  res.statusCode = error.status;
  res.end(body);
}

function prepareHttp1(req: IncomingMessage, res: ServerResponse, parts: ExchangeParts): boolean {
  const { connections, linger } = parts;
  const { socket } = req;
  connections.requestStarted(socket, res);
  res.once('close', () => connections.requestEnded(socket));
  if (connections.draining) res.shouldKeepAlive = false;
  watchEarlyAnswer(req, res, linger);
  // RFC 9112 section 3.2
  const hosts = countHosts(req.rawHeaders);
  if (hosts === 1 || (hosts === 0 && req.httpVersionMinor === 0)) return true;
  // Of two, a proxy in front may have taken the other one.
  const message = `the request has ${hosts === 0 ? 'no' : 'more than one'} Host header`;
  answerError(res, new RegistryError('REQUEST_INVALID', { message }));
  return false;
}

/** @param raw names and values in turn, as Node gives them */
function countHosts(raw: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at]?.length === 4 && raw[at]?.toLowerCase() === 'host') count++;
  }
  return count;
}

export interface ExchangeParts {
  readonly connections: Connections;
  readonly linger: LingerLimits;
}

const ignore = () => {};

/** What every request passes before the application sees it. */
export function prepared(handler: RequestHandler, parts: ExchangeParts): RequestHandler {
  return (req, res) => {
    if (req instanceof IncomingMessage && res instanceof ServerResponse) {
      if (prepareHttp1(req, res, parts)) handler(req, res);
      return;
    }
    // A reset stream is reported here, and would end the process where nobody listens.
    req.on('error', ignore);
    res.on('error', ignore);
    handler(req, res);
  };
}

/** `Expect` with anything but 100-continue, RFC 9110 section 10.1.1. */
export function refuseExpectation(res: Answer): void {
  const message = 'only "Expect: 100-continue" is understood';
  answerError(res, new RegistryError('REQUEST_INVALID', { status: 417, message }));
}

/** CONNECT arrives with its connection and no response object. */
export function connectRefusal(): RegistryError {
  return new RegistryError('UNSUPPORTED', { message: 'this server is no proxy: CONNECT is not supported' });
}
