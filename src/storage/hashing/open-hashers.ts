import { availableParallelism } from 'node:os';
import type { HasherPool } from '../content-hasher.ts';
import { createHasherPool } from './hasher-pool.ts';
import { inlineHashers } from './inline-hashers.ts';

/**
 * Hashers as this machine wants them. Threads cost a copy of what they hash, half as much time again: with two
 * processors, of which the network and the disk take one, uploads are faster where the event loop hashes.
 */
export function openHashers(processors = availableParallelism()): HasherPool & AsyncDisposable {
  if (processors <= 2) return { begin: inlineHashers.begin, [Symbol.asyncDispose]: async () => {} };
  const pool = createHasherPool();
  return { begin: (algorithm) => pool.begin(algorithm), [Symbol.asyncDispose]: () => pool.close() };
}
