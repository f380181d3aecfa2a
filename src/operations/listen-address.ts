import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** What `net.Server.listen` takes. */
export type ListenTarget = { readonly path: string } | { readonly host?: string; readonly port: number };

const ADDRESS = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/;

/**
 * distribution's `http.addr` with `http.net`: `:5000`, `host:port`, `[::]:5000`, or the path of a Unix socket.
 * A name stands for its first address, IPv4 before IPv6, as in Go.
 * @throws Error when the address cannot be read or the name is unknown
 */
export async function parseListenAddress(address: string, network: string): Promise<ListenTarget> {
  if (network === 'unix') return { path: address };
  const match = ADDRESS.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new Error(`cannot listen on ${address}: :5000, host:port or [::]:port is meant`);
  }
  const host = match[1] ?? match[2] ?? '';
  if (host === '') return { port };
  if (isIP(host) !== 0) return { host, port };
  const found = await lookup(host, { order: 'ipv4first' });
  return { host: found.address, port };
}
