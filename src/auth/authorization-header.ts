/** What stands in an `Authorization` header. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly account: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'unknown' };

/** RFC 7235 section 2.1, RFC 7617, RFC 6750. Basic with nothing around its colon is sent by podman for nobody. */
export function parseAuthorization(header: string | undefined): Credentials {
  if (header === undefined || header.trim() === '') return { kind: 'none' };
  const space = header.indexOf(' ');
  const scheme = header.slice(0, Math.max(space, 0)).toLowerCase();
  const rest = header.slice(space + 1).trim();
  if (scheme === 'bearer' && rest !== '') return { kind: 'bearer', token: rest };
  if (scheme !== 'basic') return { kind: 'unknown' };
  const pair = Buffer.from(rest, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 0) return { kind: 'unknown' };
  const [account, password] = [pair.slice(0, colon), pair.slice(colon + 1)];
  return account === '' && password === '' ? { kind: 'none' } : { kind: 'basic', account, password };
}
