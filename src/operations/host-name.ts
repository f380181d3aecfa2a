import { isIPv4, isIPv6 } from 'node:net';

const NAME =
  /^(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/;
const PARTS = /^(?:\[([0-9A-Fa-f:.]+)\]|([^[\]:@/\\?#\s]+))(?::(\d{1,5}))?$/;

export interface HostAndPort {
  /** A name, an IPv4 address, or an IPv6 address in brackets. */
  readonly name: string;
  readonly port: number | undefined;
}

/**
 * `host[:port]` of a Host header, RFC 9110 section 7.2.
 * @returns undefined for what is no host name or address
 */
export function parseHost(text: string): HostAndPort | undefined {
  const match = PARTS.exec(text);
  if (match === null) return undefined;
  const [, v6, name, digits] = match;
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port === 0 || port > 65_535)) return undefined;
  if (v6 !== undefined) return isIPv6(v6) ? { name: `[${v6}]`, port } : undefined;
  if (name === undefined || !(isIPv4(name) || NAME.test(name))) return undefined;
  return { name, port };
}

export function hostText(host: HostAndPort): string {
  return host.port === undefined ? host.name : `${host.name}:${host.port}`;
}
