import { readConfiguredFile } from '../operations/configured-file.ts';
import { givenKeys, type KeyRing } from './key-ring.ts';
import { parseSigningKey, parseVerifyingKey, TokenKeyError } from './token-key.ts';

/**
 * @param paths PEM files: the first is a private key and signs, the others may be public
 * @throws TokenKeyError naming the file; Error naming `auth.builtin.key` when it cannot be read
 */
export async function readGivenKeys(paths: readonly [string, ...string[]]): Promise<KeyRing> {
  const [first, ...rest] = paths;
  const signing = await readKey(0, first, parseSigningKey);
  return givenKeys(
    signing,
    await Promise.all(rest.map((path, index) => readKey(index + 1, path, parseVerifyingKey))),
  );
}

async function readKey<Key>(index: number, path: string, parse: (pem: string) => Key): Promise<Key> {
  const pem = await readConfiguredFile(`auth.builtin.key[${index}]`, path);
  try {
    return parse(pem);
  } catch (error) {
    if (error instanceof TokenKeyError)
      throw new TokenKeyError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
