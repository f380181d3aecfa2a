import { createHash } from 'node:crypto';
import type { HasherPool } from '../content-hasher.ts';

/** Hashers that work on the calling thread. */
export const inlineHashers: HasherPool = {
  begin: (algorithm) => {
    const hash = createHash(algorithm);
    return {
      update: async (chunk) => {
        hash.update(chunk);
      },
      digest: async () => hash.digest('hex'),
      dispose: () => {},
    };
  },
};
