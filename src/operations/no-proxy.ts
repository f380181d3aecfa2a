import { BlockList, isIP } from 'node:net';

/** Whether a request to a URL goes out directly, whatever proxies there are. */
export type NoProxy = (url: URL) => boolean;

interface Entry {
  /** Undefined: any. */
  readonly port: string | undefined;
  readonly matches: (hostname: string) => boolean;
}

/**
 * `NO_PROXY` as Go and curl know it: host names, which stand for what is below them too (`example.com`,
 * `.example.com`, `*.example.com`), addresses, networks (`10.0.0.0/8`, `fd00::/8`), each but these perhaps with a
 * port, or `*`. Names are not looked up: a network is for URLs that hold an address. What is none of these matches
 * nothing.
 */
export function parseNoProxy(entries: readonly string[]): NoProxy {
  const texts = entries.flatMap((entry) => entry.split(/[\s,]+/)).filter((text) => text !== '');
  if (texts.includes('*')) return () => true;
  const parsed = texts.map((text) => parseEntry(text.toLowerCase()));
  return (url) => {
    const hostname = plain(url.hostname.toLowerCase());
    const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : url.port;
    return parsed.some(
      (entry) => (entry.port === undefined || entry.port === port) && entry.matches(hostname),
    );
  };
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

function parseEntry(text: string): Entry {
  const network = /^(.+)\/(\d{1,3})$/.exec(text);
  if (network !== null) return { port: undefined, matches: inNetwork(network[1] ?? '', Number(network[2])) };
  if (isIP(plain(text)) !== 0) return { port: undefined, matches: isAddress(plain(text)) };
  const withPort = /^(.*):(\d{1,5})$/.exec(text);
  const host = plain(withPort?.[1] ?? text);
  const matches = isIP(host) === 0 ? isBelow(host.replace(/^\*?\./, '')) : isAddress(host);
  return { port: withPort?.[2], matches };
}

function isBelow(name: string): Entry['matches'] {
  return (hostname) => name !== '' && (hostname === name || hostname.endsWith(`.${name}`));
}

/** However the address is written. */
function isAddress(address: string): Entry['matches'] {
  return inNetwork(address, isIP(address) === 6 ? 128 : 32);
}

function inNetwork(address: string, bits: number): Entry['matches'] {
  const family = isIP(address);
  if (family === 0 || bits > (family === 6 ? 128 : 32)) return () => false;
  const list = new BlockList();
  list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  return (hostname) => {
    const asked = isIP(hostname);
    return asked !== 0 && list.check(hostname, asked === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Without the brackets of an IPv6 address and the dot behind a name. */
function plain(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}
