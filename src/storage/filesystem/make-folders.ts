import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from './errors.ts';

/**
 * Makes a folder and those above it that are missing. Not by `recursive`, with which Node goes on for ever where a
 * folder that is there answers ENOENT, as /proc does.
 * @param mode of those that are made. Default: Node's
 * @returns the topmost one that was made; undefined when all were there
 * @throws Node's error
 */
export async function makeFolders(path: string, mode?: number): Promise<string | undefined> {
  try {
    return (await makeFolder(path, mode)) ? path : undefined;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
  }
  const first = await makeFolders(dirname(path), mode);
  return (await makeFolder(path, mode)) ? (first ?? path) : first;
}

/** @returns whether it was missing */
async function makeFolder(path: string, mode: number | undefined): Promise<boolean> {
  try {
    await mkdir(path, mode);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}
