import { randomBytes } from 'node:crypto';
import type { Key } from '../storage/driver.ts';

/*
 * fairlead/token-keys/           beside docker/registry/v2/
 *   <id>.key                     PEM: signs tokens, the oldest one that has no `rotated` beside it
 *   <id>.rotated                 the time until which its tokens are valid, RFC 3339
 *   <id>.seal                    32 bytes: seals refresh tokens, the oldest one
 *
 * An id begins with the time it was made, so that names sort by age.
 */

export const tokenKeysFolder: Key = 'fairlead/token-keys';

export type StoredKind = 'key' | 'rotated' | 'seal';

const NAME = /^(\d{8}T\d{9}Z-[0-9a-f]{16})\.(key|rotated|seal)$/;

export interface StoredName {
  readonly id: string;
  readonly kind: StoredKind;
}

export function newStoredId(now: number): string {
  return `${new Date(now).toISOString().replaceAll(/[-:.]/g, '')}-${randomBytes(8).toString('hex')}`;
}

export function storedKey({ id, kind }: StoredName): Key {
  return `${tokenKeysFolder}/${id}.${kind}`;
}

/** @returns undefined for what is none of ours */
export function parseStoredName(name: string): StoredName | undefined {
  const [, id, kind] = NAME.exec(name) ?? [];
  if (id === undefined || (kind !== 'key' && kind !== 'rotated' && kind !== 'seal')) return undefined;
  return { id, kind };
}
