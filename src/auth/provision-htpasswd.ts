import { randomBytes } from 'node:crypto';
import { access, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolders } from '../storage/filesystem/make-folders.ts';
import type { AuthLog } from './auth-log.ts';
import { hashPassword } from './bcrypt-hash.ts';
import { isFileError } from './file-error.ts';

const USER = 'docker';

/**
 * As distribution does: an htpasswd file that is not there is made, with a user whose password is logged this
 * once. One that is there stays.
 */
export async function provisionHtpasswd(path: string, log: AuthLog): Promise<void> {
  try {
    await access(path);
    return;
  } catch (error) {
    if (!isFileError(error, 'ENOENT')) throw error;
  }
  await makeFolders(dirname(path), 0o700);
  const initialPassword = randomBytes(32).toString('base64url');
  try {
    await writeFile(path, `${USER}:${await hashPassword(initialPassword)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (isFileError(error, 'EEXIST')) return;
    throw error;
  }
  log.warn({ path, user: USER, initialPassword }, 'the htpasswd file was not there: made with one user');
}
