/** A `Host` header or host name without port, case and final dot: what hosts are compared by. */
export function bareHost(host: string): string {
  const lower = host.trim().toLowerCase();
  const withoutPort = lower.startsWith('[') ? lower.replace(/\]:\d*$/, ']') : lower.replace(/:\d*$/, '');
  return withoutPort.replace(/\.$/, '');
}

/**
 * The value of an `ns` parameter in the form in which upstreams are named. Another port is another registry,
 * so only the one that https implies is dropped.
 */
export function bareNamespace(ns: string): string {
  return ns.trim().toLowerCase().replace(/:443$/, '');
}
