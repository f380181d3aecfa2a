import { validateHeaderName, validateHeaderValue } from 'node:http';
import { parseHostPort } from '../kit/address.ts';
import { parseNetwork } from '../kit/network.ts';
import type { Report } from '../problems.ts';
import { isBrokenCipherSuite } from '../schema/http.ts';
import type { Settings } from '../schema/schema.ts';
import type {
  DebugConfig,
  HttpConfig,
  LimitsConfig,
  ListenAddress,
  Network,
  TlsConfig,
} from '../types/http.ts';

type HttpSettings = Settings['http'];

interface ListenSettings {
  readonly net?: 'tcp' | 'unix';
  readonly addr: string;
}

export function resolveHttp(http: HttpSettings, report: Report): HttpConfig {
  checkHeaders(http.headers, report.at('headers'));
  return {
    listen: resolveListen(http, report.at('addr')),
    host: resolveHost(http.host, report.at('host')),
    prefix: resolvePrefix(http.prefix, report.at('prefix')),
    secret: http.secret,
    relativeUrls: http.relativeurls,
    drainTimeout: http.draintimeout,
    tls: resolveTls(http.tls, report.at('tls')),
    headers: http.headers,
    debug: resolveDebug(http.debug, report.at('debug')),
    http2: !http.http2.disabled,
    h2c: http.h2c.enabled,
    trustedProxies: resolveNetworks(http.trustedproxies, report.at('trustedproxies')),
    limits: resolveLimits(http.limits),
  };
}

function resolveListen({ net = 'tcp', addr }: ListenSettings, report: Report): ListenAddress {
  if (net === 'tcp' && parseHostPort(addr) === undefined) {
    report.problem(`expected HOST:PORT or :PORT, found ${JSON.stringify(addr)}`);
  }
  return { net, address: addr };
}

/** As in distribution, one that is no absolute URL is left aside, and so is what follows the last slash of its path. */
function resolveHost(host: string | undefined, report: Report): string | undefined {
  if (host === undefined) return undefined;
  const url = /^https?:\/\//i.test(host) ? URL.parse(host) : null;
  if (url !== null) return url.origin + url.pathname.replace(/\/[^/]*$/, '');
  report.warning('is no URL with http:// or https:// and left aside; generated URLs follow the request');
  return undefined;
}

function resolvePrefix(prefix: string | undefined, report: Report): string {
  if (prefix === undefined) return '';
  const bare = prefix.replace(/\/+$/, '');
  if (!/^(?:\/[A-Za-z0-9._~-]+)*$/.test(bare)) report.problem('must look like /path/');
  return bare;
}

function resolveTls(tls: HttpSettings['tls'], report: Report): TlsConfig | undefined {
  const { certificate, key } = tls;
  if (certificate === undefined || key === undefined) {
    if (certificate !== undefined) report.at('key').problem('must be given where there is a certificate');
    if (key !== undefined) report.at('certificate').problem('must be given where there is a key');
    if (certificate === undefined && key === undefined && tls.clientcas.length > 0) {
      report.at('clientcas').problem('checks nobody without TLS: certificate and key must be given');
    }
    return undefined;
  }
  if (tls.minimumtls === 'tls1.0' || tls.minimumtls === 'tls1.1') {
    report.at('minimumtls').warning(`${tls.minimumtls} is broken; tls1.2 is the default`);
  }
  const broken = tls.ciphersuites.filter(isBrokenCipherSuite);
  const cipherSuites = tls.ciphersuites.filter((suite) => !isBrokenCipherSuite(suite));
  if (broken.length > 0) report.at('ciphersuites').warning(`left out, being broken: ${broken.join(', ')}`);
  if (broken.length > 0 && cipherSuites.length === 0)
    report.at('ciphersuites').problem('names no suite that can be used');
  return {
    certificate,
    key,
    clientCas: tls.clientcas,
    clientAuth: tls.clientauth,
    minimumTls: tls.minimumtls,
    cipherSuites,
  };
}

function checkHeaders(headers: HttpSettings['headers'], report: Report): void {
  for (const [name, values] of Object.entries(headers)) {
    try {
      validateHeaderName(name);
      for (const value of values) validateHeaderValue(name, value);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      report.at(name).problem(error.message);
    }
  }
}

function resolveDebug(debug: HttpSettings['debug'], report: Report): DebugConfig | undefined {
  const { addr, prometheus } = debug;
  if (addr === undefined) {
    if (prometheus.enabled) report.at('addr').problem('must be given where prometheus is enabled');
    return undefined;
  }
  if (!prometheus.path.startsWith('/')) report.at('prometheus').at('path').problem('must begin with /');
  return {
    listen: resolveListen({ addr }, report.at('addr')),
    metricsPath: prometheus.enabled ? prometheus.path : undefined,
  };
}

function resolveNetworks(texts: readonly string[], report: Report): Network[] {
  return texts.flatMap((text, index) => {
    const network = parseNetwork(text);
    if (network !== undefined) return [network];
    report.at(index).problem(`expected a network such as 10.0.0.0/8, found ${JSON.stringify(text)}`);
    return [];
  });
}

function resolveLimits(limits: HttpSettings['limits']): LimitsConfig {
  return {
    connections: limits.connections,
    uploads: limits.uploads,
    manifestSize: limits.manifestsize,
    headerSize: limits.headersize,
    headerTimeout: limits.headertimeout,
    idleTimeout: limits.idletimeout,
    bodyTimeout: limits.bodytimeout,
    stallTimeout: limits.stalltimeout,
    discard: {
      size: limits.discard.size,
      timeout: limits.discard.timeout,
      idleTimeout: limits.discard.idletimeout,
    },
  };
}
