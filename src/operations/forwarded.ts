const PAIR = /\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*(?:;|$|(,))/y;

/**
 * The parameters of the first element of a `Forwarded` header, which the proxy nearest to the client wrote;
 * RFC 7239 section 4.
 * @returns names in lower case; what comes before the first syntax error
 */
export function parseForwarded(header: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < header.length) {
    const match = PAIR.exec(header);
    if (match === null) break;
    const [, name = '', quoted, token, comma] = match;
    const value = quoted === undefined ? (token ?? '') : quoted.replace(/\\(.)/g, '$1');
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), value);
    if (comma !== undefined) break;
  }
  return found;
}
