import {
  createHash,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  type X509Certificate,
} from 'node:crypto';
import { readConfiguredFile } from '../operations/configured-file.ts';
import { parseCertificateBundle } from './certificate-chain.ts';
import { libtrustFingerprint } from './libtrust-fingerprint.ts';

export interface TrustOptions {
  /** Path of PEM certificates. */
  readonly rootCertBundle: string | undefined;
  /** Path of a JSON Web Key Set. */
  readonly jwks: string | undefined;
}

/** Whose tokens `auth.token` takes. */
export interface Trust {
  readonly roots: readonly X509Certificate[];
  /** By every id that a token may name them with. */
  readonly keys: ReadonlyMap<string, KeyObject>;
}

/** What the operator gave does not hold keys to trust. */
export class TrustError extends Error {
  override readonly name = 'TrustError';
}

/**
 * Ids are those of distribution v3 (a key set's `kid`, a certificate's thumbprint) and of v2 (the libtrust
 * fingerprint of either), so that a token service that served registry:2 goes on working.
 * @throws TrustError; Error naming the key of the configuration when a file cannot be read
 */
export async function readTrust({ rootCertBundle, jwks }: TrustOptions): Promise<Trust> {
  const roots = rootCertBundle === undefined ? [] : await readRoots(rootCertBundle);
  const keys = new Map<string, KeyObject>();
  const add = (id: string, key: KeyObject) => {
    if (!keys.has(id)) keys.set(id, key);
  };
  const set = jwks === undefined ? [] : await readKeySet(jwks);
  for (const { kid, key } of set) if (kid !== undefined) add(kid, key);
  const all = [...roots.map(({ publicKey }) => publicKey), ...set.map(({ key }) => key)];
  for (const key of all) {
    const thumbprint = distributionThumbprint(key);
    if (thumbprint !== undefined) add(thumbprint, key);
    add(libtrustFingerprint(key), key);
  }
  if (all.length === 0)
    throw new TrustError('auth.token needs at least one key to trust: rootcertbundle or jwks');
  return { roots, keys };
}

async function readRoots(path: string): Promise<readonly X509Certificate[]> {
  const pem = await readConfiguredFile('auth.token.rootcertbundle', path);
  try {
    return parseCertificateBundle(pem);
  } catch (cause) {
    throw new TrustError(`${path}: a certificate cannot be parsed`, { cause });
  }
}

interface SetKey {
  readonly kid: string | undefined;
  readonly key: KeyObject;
}

/** Symmetric keys are left out: what is known to two verifies nothing. */
async function readKeySet(path: string): Promise<readonly SetKey[]> {
  const text = await readConfiguredFile('auth.token.jwks', path);
  try {
    const set: { keys?: (JsonWebKey & { kid?: string })[] } = JSON.parse(text);
    return (set.keys ?? [])
      .filter(({ kty }) => kty !== 'oct')
      .map((jwk) => ({ kid: jwk.kid, key: createPublicKey({ key: publicPart(jwk), format: 'jwk' }) }));
  } catch (cause) {
    throw new TrustError(`${path}: not a JSON Web Key Set of public keys`, { cause });
  }
}

function publicPart({ kty, crv, x, y, n, e }: JsonWebKey): JsonWebKey {
  const parts = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(parts);
}

/**
 * RFC 7638 as distribution v3 computes it: leading zero bytes of coordinates are dropped.
 * @returns undefined for a kind of key that it has no thumbprint for
 */
export function distributionThumbprint(key: KeyObject): string | undefined {
  const { kty, crv, x, y, n, e } = key.export({ format: 'jwk' });
  const members =
    kty === 'RSA'
      ? { e, kty, n }
      : kty === 'EC'
        ? { crv, kty, x: withoutZeros(x), y: withoutZeros(y) }
        : kty === 'OKP' && crv === 'Ed25519'
          ? { crv, kty, x }
          : undefined;
  if (members === undefined) return undefined;
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

function withoutZeros(coordinate = ''): string {
  const bytes = Buffer.from(coordinate, 'base64url');
  const first = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(Math.max(first, 0)).toString('base64url');
}
