import { randomBytes } from 'node:crypto';
import type { Key, StorageDriver } from '../storage/driver.ts';
import { KeyNotFoundError } from '../storage/storage-errors.ts';
import {
  newStoredId,
  parseStoredName,
  type StoredName,
  storedKey,
  tokenKeysFolder,
} from './stored-key-names.ts';
import { generateSigningKey, parseSigningKey, type SigningKey, TokenKeyError } from './token-key.ts';

const SEAL_BYTES = 32;

/** The driver methods that keys need. */
export type KeyStorage = Pick<StorageDriver, 'read' | 'write' | 'list' | 'delete'>;

/** All that lies there, oldest first. */
export interface StoredKeys {
  readonly keys: readonly StoredSigningKey[];
  readonly seals: readonly Uint8Array[];
}

export interface StoredSigningKey extends SigningKey {
  readonly id: string;
  /** Milliseconds since the epoch at which its last token ends; undefined: it was not rotated out. */
  readonly until: number | undefined;
}

export interface KeyNeed {
  /** Whether a signing key and not only a seal is wanted. */
  readonly signing: boolean;
  readonly now: number;
}

/** Reads what is there; what was read before is not read again. */
export class StoredKeyReader {
  readonly #storage: KeyStorage;
  readonly #known = new Map<string, Buffer>();

  constructor(storage: KeyStorage) {
    this.#storage = storage;
  }

  /** @throws StorageUnavailableError, TokenKeyError when somebody else wrote there */
  async read(): Promise<StoredKeys> {
    const names = await listStored(this.#storage);
    const present = new Set(names.map(storedKey));
    for (const key of this.#known.keys()) if (!present.has(key)) this.#known.delete(key);
    const contents = new Map<string, Buffer>();
    for (const name of names) {
      const content = await this.#content(name);
      if (content !== undefined) contents.set(storedKey(name), content);
    }
    const contentOf = (id: string, kind: StoredName['kind']) => contents.get(storedKey({ id, kind }));
    const keys = names.flatMap(({ id, kind }): StoredSigningKey[] => {
      const pem = kind === 'key' ? contentOf(id, kind) : undefined;
      if (pem === undefined) return [];
      const until = contentOf(id, 'rotated')?.toString();
      return [
        {
          ...parseStored(pem, storedKey({ id, kind })),
          id,
          until: until === undefined ? undefined : Date.parse(until),
        },
      ];
    });
    const seals = names.flatMap(({ id, kind }) => (kind === 'seal' ? (contentOf(id, kind) ?? []) : []));
    return { keys, seals };
  }

  async #content(name: StoredName): Promise<Buffer | undefined> {
    const key = storedKey(name);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    try {
      const reader = await this.#storage.read(key);
      const chunks: Buffer[] = [];
      for await (const chunk of reader.chunks()) chunks.push(Buffer.from(chunk));
      const content = Buffer.concat(chunks);
      this.#known.set(key, content);
      return content;
    } catch (error) {
      if (error instanceof KeyNotFoundError) return undefined;
      throw error;
    }
  }
}

function parseStored(pem: Buffer, key: Key): SigningKey {
  try {
    return parseSigningKey(pem.toString());
  } catch (error) {
    if (!(error instanceof TokenKeyError)) throw error;
    throw new TokenKeyError(`${key} in the storage: ${error.message}`, { cause: error });
  }
}

export async function listStored(storage: KeyStorage): Promise<readonly StoredName[]> {
  const { entries } = await storage.list(tokenKeysFolder);
  return entries.flatMap(({ name, kind }) => (kind === 'object' ? (parseStoredName(name) ?? []) : []));
}

/**
 * Makes what is missing. Servers that start at once may each make one; all of them verify, and when each has
 * looked again the oldest is everybody's.
 */
export async function makeMissingKeys(storage: KeyStorage, { signing, now }: KeyNeed): Promise<void> {
  const names = await listStored(storage);
  const rotated = new Set(names.flatMap(({ id, kind }) => (kind === 'rotated' ? id : [])));
  if (signing && !names.some(({ id, kind }) => kind === 'key' && !rotated.has(id))) {
    await writeSigningKey(storage, now);
  }
  if (!names.some(({ kind }) => kind === 'seal')) await writeSeal(storage, now);
}

export async function writeSigningKey(storage: KeyStorage, now: number): Promise<void> {
  const key = storedKey({ id: newStoredId(now), kind: 'key' });
  await storage.write(key, Buffer.from(generateSigningKey()), { ownerOnly: true });
}

export async function writeSeal(storage: KeyStorage, now: number): Promise<void> {
  const key = storedKey({ id: newStoredId(now), kind: 'seal' });
  await storage.write(key, randomBytes(SEAL_BYTES), { ownerOnly: true });
}
