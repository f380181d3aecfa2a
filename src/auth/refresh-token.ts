import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { SealRing } from './key-ring.ts';

/** Whom a refresh token is for. */
export interface RefreshTokenContent {
  readonly account: string;
  /** What the users file had for the account: another password ends the token. */
  readonly hash: string;
}

/** So that no other token can be taken for one, nor one for another. */
const PREFIX = 'flr1.';
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Characters; a token of the longest account name is well below. */
const MAX_LENGTH = 2048;

/**
 * Refresh tokens are AES-256-GCM of account and password hash's digest: nothing of them is kept here, so they
 * survive restarts and are known to every server on the storage.
 */
export function sealRefreshToken(seals: SealRing, { account, hash }: RefreshTokenContent): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', cipherKey(seals.sealing()), iv);
  cipher.setAAD(Buffer.from(PREFIX));
  const text = JSON.stringify([account, digestOf(hash)]);
  const sealed = Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  return `${PREFIX}${sealed.toString('base64url')}`;
}

/**
 * @param hashOf what the users file has for an account now
 * @returns the account, or undefined: not such a token, another password since, or no such user any more
 */
export async function openRefreshToken(
  token: string,
  { seals, hashOf }: { seals: SealRing; hashOf: (account: string) => string | undefined },
): Promise<string | undefined> {
  if (!token.startsWith(PREFIX) || token.length > MAX_LENGTH) return undefined;
  const sealed = Buffer.from(token.slice(PREFIX.length), 'base64url');
  let text = openWithAny(seals, sealed);
  if (text === undefined) {
    await seals.refresh();
    text = openWithAny(seals, sealed);
  }
  if (text === undefined) return undefined;
  const [account, digest]: unknown[] = JSON.parse(text);
  if (typeof account !== 'string') return undefined;
  const hash = hashOf(account);
  return hash !== undefined && digest === digestOf(hash) ? account : undefined;
}

function openWithAny(seals: SealRing, sealed: Buffer): string | undefined {
  if (sealed.length <= IV_BYTES + TAG_BYTES) return undefined;
  for (const seal of seals.opening()) {
    const decipher = createDecipheriv('aes-256-gcm', cipherKey(seal), sealed.subarray(0, IV_BYTES));
    decipher.setAAD(Buffer.from(PREFIX));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const content = decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES));
    try {
      return Buffer.concat([content, decipher.final()]).toString();
    } catch {
      // The tag does not fit: another seal's, or nobody's.
    }
  }
  return undefined;
}

function cipherKey(seal: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', seal, '', 'fairlead refresh token', 32));
}

function digestOf(hash: string): string {
  return createHash('sha256').update(hash).digest('base64url');
}
