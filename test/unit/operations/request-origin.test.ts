import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientAddress, parseNetworks } from '../../../src/operations/client-address.ts';
import { parseForwarded } from '../../../src/operations/forwarded.ts';
import { parseHost } from '../../../src/operations/host-name.ts';
import { externalOrigin } from '../../../src/operations/request-origin.ts';

/** A request that came over a connection from `from`. */
function requestWith(headers: Record<string, string>, from = '203.0.113.7'): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: from });
  Object.defineProperty(socket, 'localAddress', { value: '192.0.2.1' });
  Object.defineProperty(socket, 'localPort', { value: 5000 });
  const req = new IncomingMessage(socket);
  Object.assign(req.headers, headers);
  return req;
}

const originOf = (headers: Record<string, string>) => {
  const { origin, prefix } = externalOrigin(requestWith(headers));
  return origin + prefix;
};

describe('the origin that the client used', () => {
  it.each<[string, Record<string, string>, string]>([
    ['Host', { host: 'localhost:5000' }, 'http://localhost:5000'],
    ['an IPv6 Host', { host: '[::1]:5000' }, 'http://[::1]:5000'],
    ['no Host', {}, 'http://192.0.2.1:5000'],
    ['a Host that is none', { host: 'a b' }, 'http://192.0.2.1:5000'],
    ['the proxy’s scheme', { host: 'r.example', 'x-forwarded-proto': 'https' }, 'https://r.example'],
    [
      'the first scheme of several',
      { host: 'r.example', 'x-forwarded-proto': 'https, http' },
      'https://r.example',
    ],
    ['a scheme that is none', { host: 'r.example', 'x-forwarded-proto': 'javascript' }, 'http://r.example'],
    ['the proxy’s host', { host: 'inner', 'x-forwarded-host': 'r.example:8443' }, 'http://r.example:8443'],
    [
      'the first host of several',
      { host: 'inner', 'x-forwarded-host': 'r.example, mid' },
      'http://r.example',
    ],
    ['a host that is none', { host: 'inner', 'x-forwarded-host': 'evil"/path' }, 'http://inner'],
    ['the proxy’s port', { host: 'r.example', 'x-forwarded-port': '8443' }, 'http://r.example:8443'],
    [
      'a port beside one in Host',
      { host: 'r.example:5000', 'x-forwarded-port': '8443' },
      'http://r.example:5000',
    ],
    ['a default port', { host: 'r.example', 'x-forwarded-port': '443' }, 'http://r.example'],
    ['a port that is none', { host: 'r.example', 'x-forwarded-port': '99999' }, 'http://r.example'],
    ['a prefix taken off', { host: 'r.example', 'x-forwarded-prefix': '/hub/' }, 'http://r.example/hub'],
    ['a prefix that is no path', { host: 'r.example', 'x-forwarded-prefix': '//evil' }, 'http://r.example'],
    ['a prefix that climbs', { host: 'r.example', 'x-forwarded-prefix': '/a/../b' }, 'http://r.example'],
    [
      'Forwarded before the rest',
      {
        host: 'inner',
        forwarded: 'for=1.2.3.4;proto=https;host="r.example:8443"',
        'x-forwarded-host': 'other',
      },
      'https://r.example:8443',
    ],
    ['a Forwarded that is nonsense', { host: 'inner', forwarded: ';;=,' }, 'http://inner'],
    ['the HTTP/2 authority', { ':authority': 'r.example' }, 'http://r.example'],
  ])('follows %s', (_name, headers, expected) => {
    expect(originOf(headers)).toBe(expected);
  });

  it('is http.host where that is set', () => {
    const req = requestWith({ host: 'inner', 'x-forwarded-proto': 'http' });
    expect(externalOrigin(req, { host: 'https://r.example:8443/hub/' })).toEqual({
      protocol: 'https',
      host: 'r.example:8443',
      origin: 'https://r.example:8443',
      prefix: '/hub',
    });
  });

  it('is an origin whatever the headers hold', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    const headers = fc.record({
      host: text,
      'x-forwarded-host': text,
      'x-forwarded-proto': text,
      'x-forwarded-port': text,
      'x-forwarded-prefix': text,
    });
    fc.assert(
      fc.property(headers, (given) => {
        const { origin, protocol, host, prefix } = externalOrigin(requestWith(given));
        const url = new URL(origin);
        expect(url.protocol).toBe(`${protocol}:`);
        expect(url.pathname + url.search + url.hash + url.username).toBe('/');
        expect(host).toMatch(/^[\w.:[\]-]+$/);
        expect(prefix).toMatch(/^(\/[\w.~-]+)*$/);
      }),
    );
  });
});

describe('host names', () => {
  it.each(['a', 'a.b.', 'registry_1', 'xn--bcher-kva.example', '1.2.3.4', '[::1]', '[fe80::1]:1', 'a:65535'])(
    'takes %s',
    (host) => {
      expect(parseHost(host)).toBeDefined();
    },
  );

  it.each([
    '',
    'a/b',
    'a@b',
    'a b',
    '-a',
    'a..b',
    'a:0',
    'a:65536',
    'a:',
    '::1',
    '[1.2.3.4]',
    'a\r\nb',
    'ä',
    'a"',
  ])('refuses %j', (host) => {
    expect(parseHost(host)).toBeUndefined();
  });
});

describe('Forwarded', () => {
  it.each<[string, Record<string, string>]>([
    ['for=192.0.2.43, for=198.51.100.17', { for: '192.0.2.43' }],
    ['Proto=HTTPS ; Host="a:1"', { proto: 'HTTPS', host: 'a:1' }],
    ['host="a\\"b"', { host: 'a"b' }],
    ['proto=https;host=a b', { proto: 'https' }],
    ['', {}],
  ])('reads %s', (header, expected) => {
    expect(Object.fromEntries(parseForwarded(header))).toEqual(expected);
  });

  it('ends on any text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => parseForwarded(text) instanceof Map));
  });
});

describe('the client’s address', () => {
  const trusted = parseNetworks(['10.0.0.0/8', 'fd00::/8', '203.0.113.7']);

  it.each([
    ['a connection', '198.51.100.1', undefined, '198.51.100.1'],
    ['a mapped IPv4 connection', '::ffff:198.51.100.1', undefined, '198.51.100.1'],
    ['a stranger’s header', '198.51.100.1', '1.1.1.1', '198.51.100.1'],
    ['a trusted proxy', '10.1.1.1', '198.51.100.1', '198.51.100.1'],
    ['a mapped trusted proxy', '::ffff:10.1.1.1', '198.51.100.1', '198.51.100.1'],
    ['a chain of trusted proxies', '10.1.1.1', '6.6.6.6, 198.51.100.1, fd00::1, 203.0.113.7', '198.51.100.1'],
    ['ports', '10.1.1.1', '[2001:db8::1]:443, 10.2.2.2:99', '2001:db8::1'],
    ['nonsense', '10.1.1.1', '198.51.100.1, <script>', '10.1.1.1'],
    ['trusted proxies alone', '10.1.1.1', '10.2.2.2', '10.2.2.2'],
    ['a Unix socket', '', '198.51.100.1', '198.51.100.1'],
  ])('behind %s', (_name, from, header, expected) => {
    const req = requestWith(header === undefined ? {} : { 'x-forwarded-for': header }, from);
    expect(clientAddress(req, trusted)).toBe(expected);
  });

  it('is the connection’s where nobody is trusted', () => {
    expect(clientAddress(requestWith({ 'x-forwarded-for': '1.1.1.1' }, '10.1.1.1'))).toBe('10.1.1.1');
  });

  it.each(['10.0.0.0/33', '10.0.0.0/', 'a', '1.2.3', 'fd00::/129', '10.0.0.0/8/8', '10.0.0.0/-1'])(
    'refuses the network %s',
    (network) => {
      expect(() => parseNetworks([network])).toThrow(network);
    },
  );
});
