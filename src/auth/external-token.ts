import { type KeyObject, verify } from 'node:crypto';
import jwt, { type Algorithm, type JwtHeader } from 'jsonwebtoken';
import { LEEWAY } from './access-token.ts';
import { leadsToRoot, parseX5c } from './certificate-chain.ts';
import type { Trust } from './trusted-keys.ts';

export interface ExternalTokenOptions {
  readonly trust: Trust;
  readonly issuer: string;
  readonly service: string;
  /** By JOSE names, `EdDSA` too. */
  readonly algorithms: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What a token of an external service says. */
export interface ExternalToken {
  readonly account: string;
  readonly access: readonly {
    readonly type: string;
    readonly name: string;
    readonly actions: readonly string[];
  }[];
}

/**
 * Judges a token as distribution v3.1 does: the key by `x5c`, else `jwk`, else `kid`; then issuer, audience and
 * times with a minute's leeway.
 * @returns undefined when it is not valid
 */
export function readExternalToken(token: string, options: ExternalTokenOptions): ExternalToken | undefined {
  const header = headerOf(token);
  if (header === undefined || !options.algorithms.includes(header.alg)) return undefined;
  const key = keyOf(header, options);
  if (key === undefined) return undefined;
  const claims =
    header.alg === 'EdDSA' ? verifyEdDsa(token, key) : verifyJwt(token, { key, alg: header.alg });
  return claims === undefined ? undefined : judge(claims, options);
}

type Header = Record<string, unknown> & Pick<JwtHeader, 'alg'>;

function headerOf(token: string): Header | undefined {
  const header = parseJson(token.split('.', 1)[0] ?? '');
  return isRecord(header) && typeof header.alg === 'string' ? { ...header, alg: header.alg } : undefined;
}

function keyOf({ x5c, jwk, kid }: Header, { trust, now }: ExternalTokenOptions): KeyObject | undefined {
  if (x5c !== undefined) return keyOfChain(x5c, { trust, now });
  if (isRecord(jwk)) {
    if (jwk.x5c !== undefined) return keyOfChain(jwk.x5c, { trust, now });
    return typeof jwk.kid === 'string' ? trust.keys.get(jwk.kid) : undefined;
  }
  return typeof kid === 'string' ? trust.keys.get(kid) : undefined;
}

function keyOfChain(encoded: unknown, { trust, now }: Pick<ExternalTokenOptions, 'trust' | 'now'>) {
  const chain = parseX5c(encoded);
  if (chain === undefined || !leadsToRoot(chain, { roots: trust.roots, now })) return undefined;
  return chain[0]?.publicKey;
}

function verifyJwt(token: string, { key, alg }: { key: KeyObject; alg: string }): unknown {
  try {
    const algorithms = [alg as Algorithm];
    return jwt.verify(token, key, { algorithms, ignoreExpiration: true, ignoreNotBefore: true });
  } catch {
    // Its errors are of several kinds, down to SyntaxError and those of OpenSSL: the token is not valid.
    return undefined;
  }
}

/** RFC 8037, which jsonwebtoken does not know. */
function verifyEdDsa(token: string, key: KeyObject): unknown {
  const [header = '', payload = '', signature = '', ...more] = token.split('.');
  if (more.length > 0 || key.asymmetricKeyType !== 'ed25519') return undefined;
  const isRight = verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'));
  return isRight ? parseJson(payload) : undefined;
}

function judge(claims: unknown, { issuer, service, now }: ExternalTokenOptions): ExternalToken | undefined {
  if (!isRecord(claims)) return undefined;
  const { iss, sub = '', aud, exp = 0, nbf = 0, access } = claims;
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (iss !== issuer || !audiences.includes(service) || typeof sub !== 'string') return undefined;
  if (!isWholeNumber(exp) || !isWholeNumber(nbf)) return undefined;
  const seconds = now / 1000;
  if (seconds > exp + LEEWAY || seconds < nbf - LEEWAY) return undefined;
  const entries = Array.isArray(access) ? access : [];
  return { account: sub, access: entries.filter(isEntry) };
}

function isWholeNumber(value: unknown): value is number {
  return Number.isInteger(value);
}

function isEntry(entry: unknown): entry is ExternalToken['access'][number] {
  if (!isRecord(entry) || typeof entry.type !== 'string' || typeof entry.name !== 'string') return false;
  return Array.isArray(entry.actions) && entry.actions.every((action) => typeof action === 'string');
}

function parseJson(base64url: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64url, 'base64url').toString());
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
