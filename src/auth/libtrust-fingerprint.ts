import { createHash, type KeyObject } from 'node:crypto';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** Bits of the hash that the fingerprint shows: 48 characters in groups of 4. */
const BYTES = 30;

/**
 * The key id of docker/libtrust: the first 240 bits of the SHA-256 of the DER public key, in base 32, a colon
 * after every fourth character. It is what registry:2 looks a token's `kid` up by.
 */
export function libtrustFingerprint(publicKey: KeyObject): string {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const bytes = createHash('sha256').update(der).digest().subarray(0, BYTES);
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const characters = (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join('');
  return (characters.match(/.{4}/g) ?? []).join(':');
}
