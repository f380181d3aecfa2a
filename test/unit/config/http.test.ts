import { describe, expect, it } from 'vitest';
import { parse, problemsOf, warningsOf } from '../../support/parse.ts';

describe('http', () => {
  it('listens on :5000 and drains for 8 s by default', () => {
    expect(parse('').config.http).toMatchObject({
      listen: { net: 'tcp', address: ':5000' },
      drainTimeout: 8000,
      host: undefined,
      prefix: '',
      relativeUrls: false,
      tls: undefined,
      debug: undefined,
      http2: true,
      trustedProxies: [],
    });
  });

  it('lets 10,000 connections, 256 uploads and manifests above 4 MiB through by default', () => {
    const { limits } = parse('').config.http;
    expect(limits.connections).toBeGreaterThan(10_000);
    expect(limits.uploads).toBeGreaterThan(256);
    expect(limits.manifestSize).toBeGreaterThan(4 * 1024 ** 2);
    expect(limits.bodyTimeout).toBeGreaterThan(30_000);
  });

  it('listens on a socket', () => {
    expect(parse('http: { net: unix, addr: /run/fairlead.sock }').config.http.listen).toEqual({
      net: 'unix',
      address: '/run/fairlead.sock',
    });
  });

  it('takes 0 for cutting at once', () => {
    expect(parse('http: { draintimeout: 0 }').config.http.drainTimeout).toBe(0);
  });

  it('warns of durations without a unit, which are nanoseconds', () => {
    expect(warningsOf('http: { draintimeout: 10 }')).toEqual([
      'http.draintimeout: a number without a unit is nanoseconds; for seconds write 10s',
    ]);
    expect(parse('http: { draintimeout: 5000000000 }')).toMatchObject({
      config: { http: { drainTimeout: 5000 } },
      warnings: [],
    });
  });

  it.each([
    ['/my/registry/', '/my/registry'],
    ['/my', '/my'],
    ['/', ''],
  ])('takes the prefix %s', (prefix, expected) => {
    expect(parse(`http: { prefix: ${prefix} }`).config.http.prefix).toBe(expected);
  });

  it('leaves a host aside that is no URL, as distribution does, with a warning', () => {
    const { config, warnings } = parse('http: { host: registry.example.com }');
    expect(config.http.host).toBeUndefined();
    expect(warnings).toHaveLength(1);
    expect(parse('http: { host: "https://registry.example.com:5000/" }').config.http.host).toBe(
      'https://registry.example.com:5000',
    );
    expect(parse('http: { host: "https://example.com/registry/" }').config.http.host).toBe(
      'https://example.com/registry',
    );
  });

  it('has TLS where there is a certificate, with the defaults of distribution', () => {
    expect(parse('http: { tls: }').config.http.tls).toBeUndefined();
    expect(parse('http: { tls: { certificate: "", key: "" } }').config.http.tls).toBeUndefined();
    expect(parse('http: { tls: { certificate: /a, key: /b } }').config.http.tls).toMatchObject({
      certificate: '/a',
      key: '/b',
      clientAuth: 'require-and-verify-client-cert',
      minimumTls: 'tls1.2',
      cipherSuites: expect.arrayContaining(['TLS_AES_128_GCM_SHA256']),
    });
  });

  it('is never less safe than it says', () => {
    expect(problemsOf('http: { tls: { certificate: /a } }')).toHaveLength(1);
    expect(problemsOf('http: { tls: { key: /a } }')).toHaveLength(1);
    expect(problemsOf('http: { tls: { clientcas: [/a] } }')).toHaveLength(1);
    expect(problemsOf('http: { tls: { letsencrypt: { email: a@b } } }')).toHaveLength(1);
    expect(
      problemsOf('http: { tls: { certificate: /a, key: /b, ciphersuites: [TLS_RSA_WITH_RC4_128_SHA] } }'),
    ).toHaveLength(1);
    expect(
      problemsOf('http: { tls: { certificate: /a, key: /b, ciphersuites: [TLS_AES_128_GCM_SHA25] } }'),
    ).toEqual([expect.stringContaining('did you mean TLS_AES_128_GCM_SHA256?')]);
  });

  it('refuses headers that cannot be sent', () => {
    expect(problemsOf('http: { headers: { "a b": [c], X-A: ["d\\ne"] } }')).toHaveLength(2);
    expect(problemsOf('http: { headers: { X-A: b } }')).toEqual([
      'http.headers.X-A: expected a list, found "b"',
    ]);
  });

  it('has a debug listener where there is an address', () => {
    expect(parse('http: { debug: { addr: "localhost:5001" } }').config.http.debug).toEqual({
      listen: { net: 'tcp', address: 'localhost:5001' },
      metricsPath: undefined,
    });
    expect(
      parse('http: { debug: { addr: ":5001", prometheus: { enabled: true } } }').config.http.debug
        ?.metricsPath,
    ).toBe('/metrics');
    expect(problemsOf('http: { debug: { prometheus: { enabled: true } } }')).toHaveLength(1);
  });

  it('knows networks of proxies', () => {
    expect(parse('http: { trustedproxies: [10.0.0.0/8, "::1"] }').config.http.trustedProxies).toEqual([
      { address: '10.0.0.0', prefix: 8, family: 'ipv4' },
      { address: '::1', prefix: 128, family: 'ipv6' },
    ]);
    expect(problemsOf('http: { trustedproxies: [example.com] }')).toHaveLength(1);
  });
});
