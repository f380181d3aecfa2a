import { readFile } from 'node:fs/promises';

/**
 * The text of a PEM file that a key of the configuration names; undefined where it names none.
 * @throws Error that says which key
 */
export async function readCertificates(key: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Error(`${key} cannot be read`, { cause });
  }
}
