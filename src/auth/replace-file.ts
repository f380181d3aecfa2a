import { constants } from 'node:fs';
import { chown, type FileHandle, open, readlink, rename, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { makeFolders } from '../storage/filesystem/make-folders.ts';
import { isFileError } from './file-error.ts';
import type { HeldLock } from './users-file-lock.ts';

/** Readable to the owner alone: it holds hashes. */
const NEW_MODE = 0o600;
const MAX_LINKS = 40;

/** Why a folder or a mount does not let a file be replaced that can perhaps be written. */
const NO_RENAME = ['EBUSY', 'EXDEV', 'EPERM', 'EACCES', 'EROFS'];

/** The file at the end of symbolic links, which may not be there yet. */
export async function targetOf(path: string): Promise<string> {
  let target = resolve(path);
  for (let links = 0; links < MAX_LINKS; links++) {
    try {
      target = resolve(dirname(target), await readlink(target));
    } catch (error) {
      if (isFileError(error, 'EINVAL', 'ENOENT')) return target;
      throw error;
    }
  }
  throw new Error(`${path}: too many symbolic links`);
}

/**
 * Replaces the file as a whole, with its mode and owner; rewrites it in place where rename is refused, as on a
 * bind mount, or where another owner could not be kept.
 * @returns false when the lock was lost before anything was written
 * @throws Node's error when neither can be done
 */
export async function replaceFile(target: string, content: string, lock: HeldLock): Promise<boolean> {
  const before = await statIfThere(target);
  try {
    await writeTemporary(lock.temporary, content, before);
    if (!(await lock.isHeld())) return false;
    await rename(lock.temporary, target);
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return false;
    if (before === undefined || !isFileError(error, ...NO_RENAME)) throw error;
    if (!(await lock.isHeld())) return false;
    await rewrite(target, Buffer.from(content));
    return true;
  }
  await syncFolder(dirname(target));
  return true;
}

type Owned = Pick<Awaited<ReturnType<typeof stat>>, 'mode' | 'uid' | 'gid'>;

async function writeTemporary(path: string, content: string, before: Owned | undefined): Promise<void> {
  await using file = await open(path, 'wx', NEW_MODE);
  await file.writeFile(content);
  if (before !== undefined) {
    const own = await file.stat();
    if (own.uid !== before.uid || own.gid !== before.gid)
      await chown(path, Number(before.uid), Number(before.gid));
    await file.chmod(Number(before.mode) & 0o7777);
  }
  await file.sync();
}

/**
 * What ends in the middle leaves a file that can be read: blank lines fill what the old content was longer by until
 * it is cut.
 */
async function rewrite(target: string, content: Buffer): Promise<void> {
  await using file: FileHandle = await open(target, constants.O_RDWR);
  const { size } = await file.stat();
  const padding = Buffer.alloc(Math.max(0, size - content.length), '\n');
  await file.write(Buffer.concat([content, padding]), 0, undefined, 0);
  await file.truncate(content.length);
  await file.sync();
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

async function statIfThere(path: string): Promise<Owned | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Makes the folder of a file. */
export async function makeFolderOf(path: string): Promise<void> {
  await makeFolders(dirname(path));
}
