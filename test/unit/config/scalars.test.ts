import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHostPort } from '../../../src/config/kit/address.ts';
import { formatByteSize, parseByteSize } from '../../../src/config/kit/byte-size.ts';
import { formatDuration, parseDuration } from '../../../src/config/kit/duration.ts';
import { nearest } from '../../../src/config/kit/nearest.ts';
import { parseNetwork } from '../../../src/config/kit/network.ts';

describe('a duration', () => {
  it.each([
    ['1h30m', 5_400_000],
    ['8s', 8000],
    ['1.5s', 1500],
    ['.5m', 30_000],
    ['250ms', 250],
    ['10us', 0.01],
    ['10µs', 0.01],
    ['0', 0],
    ['0s', 0],
    ['1000000000', 1000],
    ['10', 0.00001],
  ])('%s is %d ms, as in Go', (text, milliseconds) => {
    expect(parseDuration(text)).toBeCloseTo(milliseconds, 9);
  });

  it.each(['', 's', '1', '1 s', '1x', '-1s', '1h-30m', '1d', 'one'].filter((text) => text !== '1'))(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('is written as it would be read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBeCloseTo(milliseconds, 3);
      }),
    );
    expect(formatDuration(604_800_000)).toBe('168h');
    expect(formatDuration(5_400_000)).toBe('1h30m');
  });
});

describe('a size', () => {
  it.each([
    ['4096', 4096],
    ['10GiB', 10 * 1024 ** 3],
    ['5 MB', 5_000_000],
    ['1.5KiB', 1536],
    ['2kb', 2000],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each(['', '-1', 'GiB', '1GiBs', '1e3', '99999999TiB', '10G'])('%j is none', (text) => {
    expect(parseByteSize(text)).toBeUndefined();
  });

  it('is written as it would be read', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(parseByteSize(formatByteSize(bytes))).toBe(bytes);
      }),
    );
  });
});

describe('an address', () => {
  it.each([
    [':5000', { host: undefined, port: 5000 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:443', { host: '::1', port: 443 }],
  ])('%s is understood', (text, address) => {
    expect(parseHostPort(text)).toEqual(address);
  });

  it.each(['5000', 'localhost', '::1:80', ':65536', 'a b:1', 'http://x:1'])('%s is none', (text) => {
    expect(parseHostPort(text)).toBeUndefined();
  });
});

describe('a network', () => {
  it.each([
    ['10.0.0.0/8', { address: '10.0.0.0', prefix: 8, family: 'ipv4' }],
    ['192.168.1.1', { address: '192.168.1.1', prefix: 32, family: 'ipv4' }],
    ['fd00::/8', { address: 'fd00::', prefix: 8, family: 'ipv6' }],
  ])('%s is understood', (text, network) => {
    expect(parseNetwork(text)).toEqual(network);
  });

  it.each(['10.0.0.0/33', '10.0.0/8', 'example.com', '10.0.0.0/8/8', '10.0.0.0/'])('%s is none', (text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });
});

describe('the nearest known word', () => {
  it.each([
    ['adr', 'addr'],
    ['rootdir', 'rootdirectory'],
    ['storge', 'storage'],
    ['lgo', 'log'],
    ['zzzzzz', undefined],
  ])('to %s is %s', (text, expected) => {
    expect(nearest(text, ['addr', 'rootdirectory', 'storage', 'log'])).toBe(expected);
  });
});
