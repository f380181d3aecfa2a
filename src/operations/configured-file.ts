import { readFile } from 'node:fs/promises';

/**
 * The text of a file that a key of the configuration names.
 * @throws Error that says which key, Node's as its cause
 */
export async function readConfiguredFile(key: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Error(`${key} cannot be read`, { cause });
  }
}
