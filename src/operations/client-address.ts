import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import type { Request } from './exchange.ts';

const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/** An IPv4 address that a dual-stack socket shows as IPv6 in its usual form. */
function plainAddress(address: string): string {
  return MAPPED.exec(address)?.[1] ?? address;
}

/** `1.2.3.4`, `1.2.3.4:567`, `::1`, `[::1]`, `[::1]:567`: all are seen in X-Forwarded-For. */
function parseAddress(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  return isIP(bare) === 0 ? undefined : plainAddress(bare);
}

/**
 * `10.0.0.0/8`, `fd00::/8`, or a single address.
 * @throws Error naming the network that cannot be read
 */
export function parseNetworks(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length, ...rest] = network.split('/');
    const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined;
    const most = family === 'ipv4' ? 32 : 128;
    const bits = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
    if (family === undefined || rest.length > 0 || !(bits <= most)) {
      throw new Error(`${network} is no network: 10.0.0.0/8, fd00::/8 or an address is meant`);
    }
    list.addSubnet(address, bits, family);
  }
  return list;
}

function contains(networks: BlockList, address: string): boolean {
  return networks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/**
 * Who speaks to us: the connection's address, or, as long as that is a trusted proxy's, what it says in
 * `X-Forwarded-For`, read from the end. Where proxies are trusted, so is who reaches our Unix socket.
 * @returns an IP address; empty for a Unix socket
 */
export function clientAddress(req: Request, trusted?: BlockList): string {
  let address = plainAddress(req.socket.remoteAddress ?? '');
  const header = req.headers['x-forwarded-for'];
  if (trusted === undefined || header === undefined) return address;
  const hops = String(header).split(',');
  while (address === '' || contains(trusted, address)) {
    const hop = hops.pop();
    const next = hop === undefined ? undefined : parseAddress(hop.trim());
    if (next === undefined) return address;
    address = next;
  }
  return address;
}
