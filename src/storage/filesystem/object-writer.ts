import { rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { closeQuietly, closeSynced, openFile, syncData, writeAt } from './descriptor.ts';
import { storageError } from './errors.ts';
import type { Folders } from './folders.ts';

/** What a write that was cut leaves behind ends so, as distribution's does. Lists do not show it. */
export const TEMPORARY = '.tmp';

export interface WriteFileOptions {
  readonly folders: Folders;
  readonly durable: boolean;
  readonly ownerOnly: boolean;
  /** Gives the temporary file its name. */
  readonly uniqueName: () => string;
}

/**
 * Puts a file in place: temporary file, fsync, rename, fsync of the folders.
 * @param path absolute
 * @throws StorageFullError, StorageUnavailableError
 */
export async function writeFileAtomically(
  path: string,
  content: Uint8Array,
  { folders, durable, ownerOnly, uniqueName }: WriteFileOptions,
): Promise<void> {
  const folder = dirname(path);
  try {
    await folders.within(folder, async () => {
      const temporary = `${folder}/${uniqueName()}${TEMPORARY}`;
      const fd = await openFile(temporary, 'wx', ownerOnly ? 0o600 : 0o666);
      try {
        await writeAt(fd, content, 0);
        if (durable) await syncData(fd);
        await rename(temporary, path);
      } catch (error) {
        await unlink(temporary).catch(() => {});
        throw error;
      } finally {
        if (durable) closeSynced(fd);
        else closeQuietly(fd);
      }
      // Where another process has deleted the folder meanwhile, it is written anew.
      if (durable) await folders.sync(folder);
    });
  } catch (error) {
    throw storageError(error);
  }
}
