import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFileError } from './file-error.ts';

/*
 * Beside the users file:
 *   .<name>.lock-<n>      whoever made the highest n holds it; it contains a token of the holder's own, and its
 *                         modification time is the holder's heartbeat
 *   .<name>.tmp-<token>   what the holder is about to rename into place
 *
 * No process id tells whether a holder lives: every container has a process 1. A lock that does not beat is passed
 * over by the next number, never made anew under its own, so two who judge it dead at once cannot both win. Then
 * the dead one's lock goes first and its temporary file second: a holder that only slept either finds its lock gone
 * or can no longer rename.
 */

export interface LockTimes {
  /** Milliseconds between two heartbeats. */
  readonly beat: number;
  /** Milliseconds without one after which a holder is taken for dead. */
  readonly dead: number;
  /** Milliseconds between two looks at somebody else's lock. */
  readonly look: number;
  /** Milliseconds after which waiting for holders that live is given up. */
  readonly patience: number;
}

export const LOCK_TIMES: LockTimes = { beat: 300, dead: 2000, look: 25, patience: 60_000 };

export interface LockPlace {
  readonly folder: string;
  /** The users file's name. */
  readonly name: string;
}

/** Dispose it to give it back. */
export interface HeldLock extends AsyncDisposable {
  /** Where the holder writes what it will rename into place. */
  readonly temporary: string;
  /** Whether nobody took the holder for dead. */
  isHeld(): Promise<boolean>;
}

/** Others hold the lock and live. */
export class LockBusyError extends Error {
  override readonly name = 'LockBusyError';
}

/** @throws LockBusyError; Node's error when the folder cannot be written */
export async function lockUsersFile(place: LockPlace, times = LOCK_TIMES): Promise<HeldLock> {
  const deadline = performance.now() + times.patience;
  const watch = new HeartbeatWatch(times.dead);
  const token = randomBytes(8).toString('hex');
  while (performance.now() < deadline) {
    const locks = await listLocks(place);
    const highest = locks.at(-1);
    const isFree = highest === undefined || (await watch.isDead(lockPath(place, highest)));
    const own = (highest ?? 0) + 1;
    if (isFree && (await take(place, { own, token, passed: locks })))
      return hold(place, { own, token, times });
    await sleep(times.look * (1 + Math.random()));
  }
  throw new LockBusyError('other commands are editing the users file: try again');
}

interface Taking {
  readonly own: number;
  readonly token: string;
  /** Locks of holders that are dead. */
  readonly passed: readonly number[];
}

async function take(place: LockPlace, { own, token, passed }: Taking): Promise<boolean> {
  try {
    await writeFile(lockPath(place, own), token, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (isFileError(error, 'EEXIST')) return false;
    throw error;
  }
  // Each makes its lock first and looks second, so of two who came at once one at least sees the other.
  const others = (await listLocks(place)).filter((number) => number !== own);
  if (others.some((number) => !passed.includes(number))) {
    await remove(lockPath(place, own));
    return false;
  }
  for (const number of others) {
    const dead = await contentOf(lockPath(place, number));
    await remove(lockPath(place, number));
    if (dead !== undefined && /^[0-9a-f]+$/.test(dead)) await remove(temporaryPath(place, dead));
  }
  return true;
}

interface Holding {
  readonly own: number;
  readonly token: string;
  readonly times: LockTimes;
}

function hold(place: LockPlace, { own, token, times }: Holding): HeldLock {
  const path = lockPath(place, own);
  const beat = setInterval(() => {
    const now = new Date();
    // A lock that is gone is noticed by isHeld.
    utimes(path, now, now).catch(() => {});
  }, times.beat);
  const temporary = temporaryPath(place, token);
  const isHeld = async (): Promise<boolean> => (await contentOf(path)) === token;
  return {
    temporary,
    isHeld,
    async [Symbol.asyncDispose]() {
      clearInterval(beat);
      await remove(temporary);
      if (await isHeld()) await remove(path);
    },
  };
}

/** Watches from here: what time it is elsewhere does not matter. */
class HeartbeatWatch {
  readonly #dead: number;
  readonly #seen = new Map<string, { readonly beat: string; readonly since: number }>();

  constructor(dead: number) {
    this.#dead = dead;
  }

  async isDead(path: string): Promise<boolean> {
    const beat = await beatOf(path);
    const seen = this.#seen.get(path);
    if (beat !== undefined && seen?.beat === beat) return performance.now() - seen.since > this.#dead;
    this.#seen.set(path, { beat: beat ?? '', since: performance.now() });
    return false;
  }
}

async function beatOf(path: string): Promise<string | undefined> {
  try {
    const { mtimeNs } = await stat(path, { bigint: true });
    return `${await contentOf(path)} ${mtimeNs}`;
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** @returns numbers, lowest first */
async function listLocks({ folder, name }: LockPlace): Promise<readonly number[]> {
  const prefix = `.${name}.lock-`;
  const numbers = (await readdir(folder))
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => Number(entry.slice(prefix.length)))
    .filter((number) => Number.isSafeInteger(number) && number > 0);
  return numbers.toSorted((one, other) => one - other);
}

function lockPath({ folder, name }: LockPlace, number: number): string {
  return join(folder, `.${name}.lock-${number}`);
}

function temporaryPath({ folder, name }: LockPlace, token: string): string {
  return join(folder, `.${name}.tmp-${token}`);
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isFileError(error, 'ENOENT')) throw error;
  }
}
