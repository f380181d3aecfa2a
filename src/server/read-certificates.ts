import { readConfiguredFile } from '../operations/configured-file.ts';

/**
 * The text of a PEM file that a key of the configuration names; undefined where it names none.
 * @throws Error that says which key
 */
export async function readCertificates(key: string, path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : await readConfiguredFile(key, path);
}
