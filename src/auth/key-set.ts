import type { VerifyingKey } from './token-key.ts';

/** A JSON Web Key Set, RFC 7517 section 5, of the public keys. registry:3 finds a key in it by `kid`. */
export function keySetOf(keys: readonly VerifyingKey[]): { readonly keys: readonly object[] } {
  return {
    keys: keys.map(({ publicKey, kid, algorithm }) => ({
      ...publicKey.export({ format: 'jwk' }),
      kid,
      alg: algorithm,
      use: 'sig',
    })),
  };
}
