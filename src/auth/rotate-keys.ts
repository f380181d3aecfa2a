import { type StoredName, storedKey } from './stored-key-names.ts';
import { type KeyStorage, listStored, writeSeal, writeSigningKey } from './stored-keys.ts';

export interface RotateOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds for which an access token is valid. */
  readonly expiration: number;
  /** Ends at once whatever was issued before: old keys and the seal of refresh tokens go. */
  readonly all: boolean;
}

/** Milliseconds for which servers may go on signing with the old key, with room for clocks that differ. */
const FOLLOWING = 2 * 60_000;

/**
 * Makes a new signing key. Running servers follow; the old key verifies until its tokens have ended.
 * Killed between its steps it leaves the old key signing, and a next rotation does the rest.
 */
export async function rotateKeys(
  storage: KeyStorage,
  { now, expiration, all }: RotateOptions,
): Promise<void> {
  const before = await listStored(storage);
  await writeSigningKey(storage, now);
  if (all) {
    await writeSeal(storage, now);
    // The mark of a key goes behind the key: what is left of a cut rotation is never a key that signs again.
    for (const name of before.toSorted(byKindKeysFirst)) await storage.delete(storedKey(name));
    return;
  }
  const rotated = new Set(before.flatMap(({ id, kind }) => (kind === 'rotated' ? id : [])));
  const until = new Date(now + expiration + FOLLOWING).toISOString();
  for (const { id, kind } of before) {
    if (kind !== 'key' || rotated.has(id)) continue;
    await storage.write(storedKey({ id, kind: 'rotated' }), Buffer.from(until));
  }
}

function byKindKeysFirst(one: StoredName, other: StoredName): number {
  return Number(other.kind === 'key') - Number(one.kind === 'key');
}
