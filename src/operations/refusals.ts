import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { RegistryError } from '../oci/errors.ts';
import { type LingerLimits, lingerAndClose } from './lingering-close.ts';

export interface ParserError extends Error {
  readonly code?: string;
  readonly rawPacket?: Buffer;
}

/** The first bytes of a TLS handshake record. */
function isTlsHello(error: ParserError): boolean {
  return error.rawPacket?.[0] === 0x16 && error.rawPacket[1] === 0x03;
}

/** What a request that Node's parser refuses is told; undefined where nobody is left to tell. */
export function parserRefusal(error: ParserError): RegistryError | undefined {
  switch (error.code) {
    case 'HPE_INVALID_EOF_STATE':
      return undefined;
    case 'HPE_HEADER_OVERFLOW':
      return new RegistryError('REQUEST_INVALID', {
        status: 431,
        message: 'the request headers are too long',
      });
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new RegistryError('SIZE_INVALID', { status: 413, message: 'the chunk extensions are too long' });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new RegistryError('REQUEST_INVALID', {
        status: 408,
        message: 'the request headers did not arrive in time',
      });
    default:
      // The rest are errors of the connection (ECONNRESET) or of TLS.
      if (error.code?.startsWith('HPE_') !== true) return undefined;
      return new RegistryError('REQUEST_INVALID', {
        message: isTlsHello(error)
          ? 'this port speaks plain HTTP, and the client began with TLS'
          : 'the request is no valid HTTP',
      });
  }
}

/** A whole answer as it goes over the wire, for when there is no ServerResponse. */
export function rawAnswer(error: RegistryError, now = new Date()): string {
  const body = JSON.stringify(error);
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Docker-Distribution-Api-Version: registry/2.0',
    'X-Content-Type-Options: nosniff',
    `Date: ${now.toUTCString()}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

/** Answers on a connection whose parser has given up, drops what still comes, and closes. */
export function refuse(socket: Socket, error: RegistryError, limits: LingerLimits): void {
  // The parser would report every further byte anew.
  socket.removeAllListeners('data');
  socket.on('data', () => {});
  socket.write(rawAnswer(error));
  lingerAndClose(socket, limits);
}
