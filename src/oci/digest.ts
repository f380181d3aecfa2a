import { createHash } from 'node:crypto';
import { RegistryError } from './errors.ts';

declare const brand: unique symbol;

/** A content digest, `<algorithm>:<lower-case hex>`, of an algorithm this registry computes. */
export type Digest = string & { readonly [brand]: 'Digest' };

/** The registered algorithms of the image specification ("Digests") that this registry computes. */
export type DigestAlgorithm = 'sha256' | 'sha512';

const HEX_LENGTH: Record<DigestAlgorithm, number> = { sha256: 64, sha512: 128 };

/** The grammar of the image specification, "Digests": any algorithm, any encoding. */
const GRAMMAR = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
const LOWER_HEX = /^[0-9a-f]+$/;

export function isDigestAlgorithm(text: string): text is DigestAlgorithm {
  return text === 'sha256' || text === 'sha512';
}

/** @throws RegistryError DIGEST_INVALID for an algorithm that is not computed here */
export function parseDigestAlgorithm(text: string): DigestAlgorithm {
  if (isDigestAlgorithm(text)) return text;
  throw new RegistryError('DIGEST_INVALID', {
    message: `digest algorithm ${quote(text)} is not supported: use sha256 or sha512`,
  });
}

/** @throws RegistryError DIGEST_INVALID */
export function parseDigest(text: string): Digest {
  const colon = text.indexOf(':');
  const algorithm = text.slice(0, Math.max(colon, 0));
  const hex = text.slice(colon + 1);
  if (isDigestAlgorithm(algorithm)) {
    if (hex.length === HEX_LENGTH[algorithm] && LOWER_HEX.test(hex)) return text as Digest;
    throw new RegistryError('DIGEST_INVALID', {
      message: `a ${algorithm} digest is ${HEX_LENGTH[algorithm]} lower-case hexadecimal characters: ${quote(text)}`,
    });
  }
  if (text.length <= 512 && GRAMMAR.test(text)) parseDigestAlgorithm(algorithm);
  throw new RegistryError('DIGEST_INVALID', { message: `not a digest: ${quote(text)}` });
}

export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(':');
  const algorithm = text.slice(0, Math.max(colon, 0));
  const hex = text.slice(colon + 1);
  return isDigestAlgorithm(algorithm) && hex.length === HEX_LENGTH[algorithm] && LOWER_HEX.test(hex);
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** The digest of bytes that are all in memory. */
export function digestOf(content: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return digestFromHex(algorithm, createHash(algorithm).update(content).digest('hex'));
}

/** Joins what a hash function gave; `hex` is trusted to be right. */
export function digestFromHex(algorithm: DigestAlgorithm, hex: string): Digest {
  return `${algorithm}:${hex}` as Digest;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 160 ? `${text.slice(0, 160)}…` : text);
}
