import { type BcryptHash, bcryptCost, DEFAULT_COST, isBcryptHash } from './bcrypt-hash.ts';

/** What a users file says. */
export interface Users {
  readonly hashes: ReadonlyMap<string, BcryptHash>;
  /** Names whose hash is of another kind than bcrypt: they cannot log in. */
  readonly refused: readonly string[];
  /** The bcrypt cost that most of the users have. */
  readonly usualCost: number;
}

export const NO_USERS: Users = { hashes: new Map(), refused: [], usualCost: DEFAULT_COST };

/** A users file that cannot be right. */
export class UsersFileError extends Error {
  override readonly name = 'UsersFileError';
  /** Counted from 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}

/** One line of the file; `text` is how it stands there, without the newline. */
export type UsersLine =
  | { readonly kind: 'other'; readonly text: string }
  | { readonly kind: 'user'; readonly text: string; readonly name: string; readonly hash: string };

/**
 * Splits a users file, htpasswd's format: `name:hash`, blank lines and `#` lines.
 * @throws UsersFileError for a line without a colon, a cut hash, a name twice
 */
export function parseUsersLines(text: string): readonly UsersLine[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const seen = new Set<string>();
  return lines.map((line, index): UsersLine => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return { kind: 'other', text: line };
    const colon = trimmed.indexOf(':');
    if (colon < 0) throw new UsersFileError(index + 1, 'no colon between a name and a hash');
    const name = trimmed.slice(0, colon);
    const hash = trimmed.slice(colon + 1);
    if (name === '') throw new UsersFileError(index + 1, 'no name in front of the colon');
    if (isCut(hash)) throw new UsersFileError(index + 1, `the hash of ${JSON.stringify(name)} is cut`);
    if (seen.has(name)) throw new UsersFileError(index + 1, `${JSON.stringify(name)} is there twice`);
    seen.add(name);
    return { kind: 'user', text: line, name, hash };
  });
}

/** @throws UsersFileError */
export function parseUsers(text: string): Users {
  const hashes = new Map<string, BcryptHash>();
  const refused: string[] = [];
  for (const line of parseUsersLines(text)) {
    if (line.kind === 'other') continue;
    if (isBcryptHash(line.hash)) hashes.set(line.name, line.hash);
    else refused.push(line.name);
  }
  return { hashes, refused, usualCost: usualCost(hashes.values()) };
}

/** Begins like bcrypt and is not whole, or is nothing. */
function isCut(hash: string): boolean {
  return hash === '' || hash === '$' || (hash.startsWith('$2') && !isBcryptHash(hash));
}

/** @returns the cost that most have, the higher one of two that are as frequent */
export function usualCost(hashes: Iterable<BcryptHash>): number {
  const counts = new Map<number, number>();
  for (const hash of hashes) {
    const cost = bcryptCost(hash);
    counts.set(cost, (counts.get(cost) ?? 0) + 1);
  }
  let usual = { cost: DEFAULT_COST, count: 0 };
  for (const [cost, count] of counts) {
    if (count > usual.count || (count === usual.count && cost > usual.cost)) usual = { cost, count };
  }
  return usual.cost;
}
