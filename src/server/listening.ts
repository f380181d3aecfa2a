import { BlockList } from 'node:net';
import type { HttpConfig, Network, TlsConfig } from '../config/types/http.ts';
import type { ListenOptions } from '../operations/listener.ts';
import type { Logger } from '../operations/logger.ts';
import type { TlsOptions } from '../operations/tls-settings.ts';

/** What the listener needs of the configuration. */
export function listenOptions(http: HttpConfig, logger: Logger): ListenOptions {
  const { limits, listen } = http;
  return {
    address: listen.address,
    network: listen.net,
    http2: http.http2,
    times: { headers: limits.headerTimeout, keepAlive: limits.idleTimeout, stall: limits.stallTimeout },
    linger: { bytes: limits.discard.size, time: limits.discard.timeout, idle: limits.discard.idleTimeout },
    maxHeaderSize: limits.headerSize,
    ...(limits.connections > 0 ? { maxConnections: limits.connections } : {}),
    ...(http.tls === undefined ? {} : { tls: tlsOptions(http.tls) }),
    logger,
  };
}

export function networksOf(networks: readonly Network[]): BlockList {
  const list = new BlockList();
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family);
  return list;
}

function tlsOptions(tls: TlsConfig): TlsOptions {
  return {
    certificate: tls.certificate,
    key: tls.key,
    clientcas: tls.clientCas,
    clientauth: tls.clientAuth,
    minimumtls: tls.minimumTls,
    ciphersuites: tls.cipherSuites,
  };
}
