import bcrypt from 'bcrypt';

declare const brand: unique symbol;

/** `$2a$`, `$2b$` or `$2y$`, the cost, salt and hash: 60 characters. */
export type BcryptHash = string & { readonly [brand]: 'BcryptHash' };

const COMPLETE = /^\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;

/** Of the hashes made here; some 60 ms on a core. */
export const DEFAULT_COST = 10;

/** What bcrypt looks at of a password, in bytes. */
export const MAX_PASSWORD_BYTES = 72;

export function isBcryptHash(text: string): text is BcryptHash {
  return COMPLETE.test(text);
}

/** The base-2 logarithm of the rounds, 4 to 31. */
export function bcryptCost(hash: BcryptHash): number {
  return Number(hash.slice(4, 6));
}

/** @param password 1 to 72 bytes in UTF-8; the caller has checked that */
export async function hashPassword(password: string, cost = DEFAULT_COST): Promise<BcryptHash> {
  return (await bcrypt.hash(password, cost)) as BcryptHash;
}

/**
 * The three letters name one algorithm, but npm's bcrypt answers false to every `$2y$`, which is what
 * `htpasswd -B` writes, and copies an old fault for `$2a$`: all are compared as `$2b$`.
 */
export function compareBcrypt(password: string, hash: BcryptHash): Promise<boolean> {
  return bcrypt.compare(password, `$2b$${hash.slice(4)}`);
}

/** A hash that no password has, to spend on an unknown name the time that a known one takes. */
export function hashOfNobody(cost: number): BcryptHash {
  return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}` as BcryptHash;
}
