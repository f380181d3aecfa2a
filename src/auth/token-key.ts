import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { libtrustFingerprint } from './libtrust-fingerprint.ts';

/** Verifies tokens. */
export interface VerifyingKey {
  /** The libtrust fingerprint. */
  readonly kid: string;
  readonly algorithm: 'ES256' | 'RS256';
  readonly publicKey: KeyObject;
}

/** Signs them. */
export interface SigningKey extends VerifyingKey {
  readonly privateKey: KeyObject;
}

/** A key that cannot sign or verify tokens. */
export class TokenKeyError extends Error {
  override readonly name = 'TokenKeyError';
}

const MIN_RSA_BITS = 2048;

/**
 * @param pem a private key, unencrypted
 * @throws TokenKeyError
 */
export function parseSigningKey(pem: string): SigningKey {
  const privateKey = parsePem(() => createPrivateKey(pem), 'a private key');
  return { ...verifyingKey(createPublicKey(privateKey)), privateKey };
}

/**
 * @param pem a private or public key or a certificate
 * @throws TokenKeyError
 */
export function parseVerifyingKey(pem: string): VerifyingKey {
  return verifyingKey(parsePem(() => createPublicKey(pem), 'a key'));
}

/** ES256, in PKCS #8 PEM. */
export function generateSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function verifyingKey(publicKey: KeyObject): VerifyingKey {
  return { kid: libtrustFingerprint(publicKey), algorithm: algorithmOf(publicKey), publicKey };
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): VerifyingKey['algorithm'] {
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS)
    return 'RS256';
  throw new TokenKeyError(`a token key is on the curve P-256, or RSA of ${MIN_RSA_BITS} bits or more`);
}

/** OpenSSL's messages name the place in its source, not the fault, and never the key. */
function parsePem(parse: () => KeyObject, what: string): KeyObject {
  try {
    return parse();
  } catch (cause) {
    throw new TokenKeyError(`not ${what} in PEM`, { cause });
  }
}
