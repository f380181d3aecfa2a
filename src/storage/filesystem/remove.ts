import { readdir, rmdir, unlink } from 'node:fs/promises';
import { errnoOf, isMissing } from './errors.ts';

/**
 * Removes a folder with all that is in it; what others put there meanwhile is removed too. Not on disk yet.
 * @returns false when it was not there
 */
export async function removeTree(path: string): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      await Promise.all(
        entries.map((entry) => {
          const child = `${path}/${entry.name}`;
          return entry.isDirectory() ? removeTree(child) : removeFile(child);
        }),
      );
      await rmdir(path);
      return true;
    } catch (error) {
      if (isMissing(error)) return attempt > 1;
      // Somebody who writes there at the same time cannot win for ever.
      if (errnoOf(error) !== 'ENOTEMPTY' || attempt === 10) throw error;
    }
  }
}

/** @returns false when there was no such file; a folder is none */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    // POSIX has EPERM for a folder, Linux EISDIR.
    if (isMissing(error) || errnoOf(error) === 'EISDIR') return false;
    throw error;
  }
}
