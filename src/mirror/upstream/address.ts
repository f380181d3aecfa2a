import { BlockList, isIP, isIPv6 } from 'node:net';

const PRIVATE = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  // Azure's own server for its machines has a public address.
  ['168.63.129.16', 32],
  ['172.16.0.0', 12],
  // Oracle's metadata are here.
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['224.0.0.0', 3],
] as const) {
  PRIVATE.addSubnet(network, bits, 'ipv4');
}
for (const [network, bits] of [
  // These four stand for an IPv4 address, which may be any: compatible, translated, Teredo and 6to4. No storage host
  // has one.
  ['::', 96],
  ['::ffff:0:0:0', 96],
  ['2001::', 32],
  ['2002::', 16],
  // NAT64 within a network.
  ['64:ff9b:1::', 48],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE.addSubnet(network, bits, 'ipv6');
}

/** RFC 6052: an IPv4 address in the well-known prefix, as two groups of hexadecimal digits. */
const NAT64 = /^64:ff9b::([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i;

/** Whether an IP address is of this machine, its network or no single host: not the public Internet. */
export function isPrivateAddress(address: string): boolean {
  const bare = address.replace(/%.*$/, '');
  if (!isIPv6(bare)) return PRIVATE.check(bare, 'ipv4');
  const embedded = NAT64.exec(bare);
  if (embedded !== null) {
    const high = Number.parseInt(embedded[1] ?? '0', 16);
    const low = Number.parseInt(embedded[2] ?? '0', 16);
    return PRIVATE.check(`${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`, 'ipv4');
  }
  return PRIVATE.check(bare, 'ipv6');
}

/** A URL's host name without the brackets of an IPv6 address. */
export function plainHostname(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

/** `localhost` and what is below it, which never leaves the machine whatever DNS says. */
export function isLocalhost(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost');
}

/** Whether a host name is an address rather than a name. */
export function isAddress(hostname: string): boolean {
  return isIP(hostname) !== 0;
}
