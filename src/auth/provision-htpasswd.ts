import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readConfiguredFile } from '../operations/configured-file.ts';
import { makeFolders } from '../storage/filesystem/make-folders.ts';
import type { AuthLog } from './auth-log.ts';
import { hashPassword } from './bcrypt-hash.ts';
import { isFileError } from './file-error.ts';

const KEY = 'auth.htpasswd.path';
const USER = 'docker';

/**
 * As distribution does: an htpasswd file that is not there is made, with a user whose password is logged this
 * once. One that is there stays.
 * @throws Error naming the key of the configuration when the file can neither be read nor made
 */
export async function provisionHtpasswd(path: string, log: AuthLog): Promise<void> {
  try {
    await readConfiguredFile(KEY, path);
    return;
  } catch (error) {
    if (!(error instanceof Error) || !isFileError(error.cause, 'ENOENT')) throw error;
  }
  const initialPassword = randomBytes(32).toString('base64url');
  try {
    await makeFolders(dirname(path), 0o700);
    await writeFile(path, `${USER}:${await hashPassword(initialPassword)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    if (isFileError(cause, 'EEXIST')) return;
    throw new Error(`${KEY} is not there and cannot be made`, { cause });
  }
  log.warn({ path, user: USER, initialPassword }, 'the htpasswd file was not there: made with one user');
}
