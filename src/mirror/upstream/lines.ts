import { getCACertificates } from 'node:tls';
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { publicLookup } from './address-guard.ts';
import type { OutgoingProxies, UpstreamTimeouts } from './upstream-options.ts';

export interface LineOptions {
  readonly timeouts: UpstreamTimeouts;
  /** To each server. */
  readonly connections: number;
  /** PEM; besides those that the system trusts. */
  readonly ca?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly proxies?: OutgoingProxies | undefined;
  /** Called with the address that a name led to; undefined when there was no connection. */
  readonly connected: (hostname: string, address: string | undefined) => void;
}

/** Ways out, by the scheme of the URL. */
export interface Lines {
  readonly direct: Dispatcher;
  readonly http: Dispatcher;
  readonly https: Dispatcher;
}

/** @param addresses `public`: names that lead to private addresses are refused */
export function openLines(options: LineOptions, addresses: 'any' | 'public'): Lines {
  const tls = {
    timeout: options.timeouts.connect,
    ...(options.ca === undefined ? {} : { ca: [...getCACertificates('default'), options.ca] }),
    ...(options.insecure === true ? { rejectUnauthorized: false } : {}),
  };
  const connect = buildConnector({ ...tls, ...(addresses === 'public' ? { lookup: publicLookup } : {}) });
  const recording: buildConnector.connector = (target, callback) =>
    connect(target, (...result) => {
      const [error, socket] = result;
      options.connected(target.hostname, error === null ? socket.remoteAddress : undefined);
      callback(...result);
    });
  const common = {
    connections: options.connections,
    connect: recording,
    // Every phase has a timer of its own here, which knows whether the reader holds the body up.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const direct = new Agent(common);
  const through = (proxy: string | undefined): Dispatcher => {
    if (proxy === undefined || proxy === '') return direct;
    const timeout = options.timeouts.connect;
    return new EnvHttpProxyAgent({
      ...common,
      httpProxy: proxy,
      httpsProxy: proxy,
      // Whom it is not for is decided before.
      noProxy: '',
      requestTls: tls,
      proxyTls: { timeout },
      proxyTunnel: false,
    });
  };
  return { direct, http: through(options.proxies?.http), https: through(options.proxies?.https) };
}
