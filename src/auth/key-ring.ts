import type { SigningKey, VerifyingKey } from './token-key.ts';

/** The keys of the built-in token service, as they are now. */
export interface KeyRing {
  /** What signs new tokens. */
  signing(): SigningKey;
  /** All whose tokens are valid, the signing one first. */
  verifying(): readonly VerifyingKey[];
  /** Looks once more where keys come from, when a key id is not known: another server may just have made it. */
  refresh(): Promise<void>;
}

/** What seals refresh tokens: 32 bytes each. */
export interface SealRing {
  /** What seals new ones. */
  sealing(): Uint8Array;
  /** All that open them. */
  opening(): readonly Uint8Array[];
  refresh(): Promise<void>;
}

/**
 * Keys that the operator gave: the first signs, all verify.
 */
export function givenKeys(signing: SigningKey, others: readonly VerifyingKey[]): KeyRing {
  const all = [signing, ...others];
  return { signing: () => signing, verifying: () => all, refresh: async () => {} };
}
