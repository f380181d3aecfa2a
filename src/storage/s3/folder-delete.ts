import type { Caller } from './caller.ts';
import { listAll } from './listing.ts';
import type { Objects } from './objects.ts';
import { Places } from './places.ts';

const DELETES_AT_ONCE = 32;

/** Keys of everything below a folder. */
export async function keysBelow(caller: Caller, folder: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of listAll(caller, { prefix: `${folder}/` })) keys.push(key);
  return keys;
}

/**
 * Deletes one by one: what deletes many at once has to carry a checksum, and servers do not agree on which.
 * All are tried; the first failure is thrown.
 */
export async function deleteKeys(objects: Objects, keys: readonly string[]): Promise<void> {
  const places = new Places(DELETES_AT_ONCE);
  const results = await Promise.allSettled(keys.map((key) => places.run(() => objects.delete(key))));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
