import { randomBytes } from 'node:crypto';

/** Layers of random bytes, of these lengths. */
export function randomLayers(...lengths: readonly number[]): Buffer[] {
  return lengths.map((length) => randomBytes(length));
}
