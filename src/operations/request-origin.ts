import { isIPv6 } from 'node:net';
import type { Request } from './exchange.ts';
import { parseForwarded } from './forwarded.ts';
import { type HostAndPort, hostText, parseHost } from './host-name.ts';

export interface OriginOptions {
  /** distribution's `http.host`: an origin with an optional path that stands in every URL, whatever was asked. */
  readonly host?: string;
}

/** Where the client reaches this server, as far as it can be told. */
export interface ExternalOrigin {
  readonly protocol: 'http' | 'https';
  /** host[:port], the port left out where the client left it out. */
  readonly host: string;
  /** protocol://host[:port] */
  readonly origin: string;
  /** What a proxy took off the front of the path, `/registry` or empty. */
  readonly prefix: string;
}

const PREFIX = /^(?:\/[\w.~-]+)+$/;

function firstOf(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  return text?.split(',', 1)[0]?.trim();
}

function parseProtocol(text: string | undefined): 'http' | 'https' | undefined {
  const lower = text?.toLowerCase();
  return lower === 'http' || lower === 'https' ? lower : undefined;
}

function parsePort(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port > 0 && port <= 65_535 ? port : undefined;
}

function parsePrefix(text: string | undefined): string {
  const bare = text?.replace(/\/+$/, '') ?? '';
  const dots = bare.split('/').some((part) => part === '.' || part === '..');
  return PREFIX.test(bare) && !dots ? bare : '';
}

function ownHost(req: Request): HostAndPort {
  const { localAddress = 'localhost', localPort } = req.socket;
  return { name: isIPv6(localAddress) ? `[${localAddress}]` : localAddress, port: localPort };
}

/** Authority of HTTP/2 or Host of HTTP/1. */
function askedHost(req: Request): string | undefined {
  const authority = req.headers[':authority'];
  return typeof authority === 'string' ? authority : req.headers.host;
}

/** A proxy that strips the port from Host names it apart; 80 and 443 are what the proxy itself listens on. */
function withForwardedPort(host: HostAndPort, text: string | undefined): HostAndPort {
  const port = host.port === undefined ? parsePort(text) : undefined;
  return port === undefined || port === 80 || port === 443 ? host : { ...host, port };
}

function compose(protocol: 'http' | 'https', host: string, prefix: string): ExternalOrigin {
  return { protocol, host, origin: `${protocol}://${host}`, prefix };
}

/** What a proxy says of the client's side, if it is a scheme. */
export function forwardedProtocol(req: Request): 'http' | 'https' | undefined {
  return parseProtocol(firstOf(req.headers['x-forwarded-proto']));
}

/**
 * As distribution works it out: `http.host`; else `Forwarded` (RFC 7239); else `X-Forwarded-Proto`, `-Host`,
 * `-Port` and `-Prefix`; else the request itself. What is no scheme, host name, port or path in them is ignored.
 */
export function externalOrigin(req: Request, options: OriginOptions = {}): ExternalOrigin {
  if (options.host !== undefined) {
    const url = new URL(options.host);
    return compose(url.protocol === 'https:' ? 'https' : 'http', url.host, parsePrefix(url.pathname));
  }
  const { headers } = req;
  const asked = parseHost(askedHost(req) ?? '') ?? ownHost(req);
  const direct = 'encrypted' in req.socket && req.socket.encrypted === true ? 'https' : 'http';
  const forwarded = firstOf(headers.forwarded) === undefined ? undefined : String(headers.forwarded);
  if (forwarded !== undefined) {
    const pairs = parseForwarded(forwarded);
    const host = parseHost(pairs.get('host') ?? '') ?? asked;
    return compose(parseProtocol(pairs.get('proto')) ?? direct, hostText(host), '');
  }
  const protocol = forwardedProtocol(req) ?? direct;
  const host = parseHost(firstOf(headers['x-forwarded-host']) ?? '') ?? asked;
  const full = withForwardedPort(host, firstOf(headers['x-forwarded-port']));
  return compose(protocol, hostText(full), parsePrefix(firstOf(headers['x-forwarded-prefix'])));
}
