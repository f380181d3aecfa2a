import { readdir } from 'node:fs/promises';

/*
 * What lies in an upload's folder:
 *
 *   data               the bytes, while nobody writes; distribution's name
 *   data.<id>          the bytes, while the holder with this id writes
 *   data-copy.<id>     a copy that a takeover was making
 *
 * A folder without the first two is no upload (any more). The name is the lock: taking the writer is a rename of
 * `data`, of which one succeeds; the modification time is the heartbeat; whoever takes over renames the dead
 * holder's file, so that all which that one does by name fails, and goes on in a copy, so that what it writes
 * through its open descriptor reaches nothing.
 */

const FREE = 'data';
const HELD = /^data\.[0-9a-z-]{16,}$/;

export function freeFile(folder: string): string {
  return `${folder}/${FREE}`;
}

/** @param id of the holder, which nobody else ever uses */
export function heldFile(folder: string, id: string): string {
  return `${folder}/${FREE}.${id}`;
}

export function copyFileOf(folder: string, id: string): string {
  return `${folder}/${FREE}-copy.${id}`;
}

/**
 * The upload's data files: one, but for the moment in which several try to begin it.
 * @throws ENOENT
 */
export async function dataFiles(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  return names.filter((name) => name === FREE || HELD.test(name)).map((name) => `${folder}/${name}`);
}
