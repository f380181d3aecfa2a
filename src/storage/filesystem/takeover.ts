import type { BigIntStats } from 'node:fs';
import { constants, copyFile, rename, stat, unlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { UploadBusyError } from '../storage-errors.ts';
import { isMissing } from './errors.ts';
import type { HeartbeatTimes } from './heartbeats.ts';
import type { UploadHold } from './upload-hold.ts';

export interface WatchOptions {
  readonly times: HeartbeatTimes;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Watches a file that bears another holder's name. Only changes count: what time it is there is not known.
 * @returns what the file was like, when it never changed; undefined when it has gone
 * @throws UploadBusyError as soon as it changes
 */
export async function watchHolder(
  path: string,
  { times, signal }: WatchOptions,
): Promise<BigIntStats | undefined> {
  const first = await statOrGone(path);
  if (first === undefined) return undefined;
  // Looks are counted, not time: whatever holds up this process may hold up the other one too.
  for (let watched = 0; watched < times.watchFor; watched += times.lookEvery) {
    await sleep(times.lookEvery, undefined, { signal });
    const look = await statOrGone(path);
    if (look === undefined) return undefined;
    if (!isSame(first, look)) throw new UploadBusyError();
  }
  return first;
}

export interface CopyOptions {
  /** Where it is made. */
  readonly copy: string;
  /** What the file was like while it was watched. */
  readonly watched: BigIntStats;
  /** Milliseconds for which a holder that woke may rely on what it saw. */
  readonly trustFor: number;
}

/**
 * Goes on in a copy of the file that was taken, so that nothing reaches it which the holder before still writes.
 */
export async function goOnInCopy(hold: UploadHold, { copy, watched, trustFor }: CopyOptions): Promise<void> {
  const slept = isSame(watched, await stat(hold.path, { bigint: true }));
  await hold.beat();
  // It woke between the last look and the rename, and may rely for a while on what it saw then.
  if (!slept) await sleep(trustFor);
  try {
    await copyFile(hold.path, copy, constants.COPYFILE_FICLONE);
    await hold.replaceWith(copy);
  } catch (error) {
    await unlink(copy).catch(() => {});
    throw error;
  }
}

/** Gives a file another holder's name. @returns false when it has not the name any more */
export async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function statOrGone(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs;
}
