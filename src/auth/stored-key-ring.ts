import type { AuthLog } from './auth-log.ts';
import type { KeyRing, SealRing } from './key-ring.ts';
import { type KeyStorage, makeMissingKeys, StoredKeyReader, type StoredKeys } from './stored-keys.ts';
import { type SigningKey, TokenKeyError, type VerifyingKey } from './token-key.ts';

export interface StoredKeyRingOptions {
  readonly storage: KeyStorage;
  /** Whether signing keys are kept there too; false where the operator gave them. */
  readonly signing: boolean;
  readonly log: AuthLog;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Milliseconds between two looks: how long a rotation may take to be followed. */
const LOOK_EVERY = 5000;
/** Milliseconds for which an unknown key id does not make it look again. */
const LOOK_AT_MOST_EVERY = 500;

/**
 * Keys and seals that lie in the storage, made at the first start, shared by all servers on it. Dispose it to
 * stop looking.
 */
export class StoredKeyRing implements KeyRing, SealRing, Disposable {
  readonly #options: StoredKeyRingOptions;
  readonly #reader: StoredKeyReader;
  readonly #timer: NodeJS.Timeout;
  #stored: StoredKeys;
  #lookedAt: number;
  #look: Promise<void> | undefined;

  private constructor(options: StoredKeyRingOptions, { reader, stored }: Read) {
    this.#options = options;
    this.#reader = reader;
    this.#stored = stored;
    this.#lookedAt = options.now();
    this.#timer = setInterval(() => void this.#lookAgain(), LOOK_EVERY);
    this.#timer.unref();
  }

  /** @throws StorageUnavailableError, StorageFullError, TokenKeyError */
  static async open(options: StoredKeyRingOptions): Promise<StoredKeyRing> {
    const reader = new StoredKeyReader(options.storage);
    return new StoredKeyRing(options, { reader, stored: await readWhole(reader, options) });
  }

  signing(): SigningKey {
    const key = this.#stored.keys.find(({ until }) => until === undefined) ?? this.#stored.keys.at(-1);
    if (key === undefined) throw new TokenKeyError('there is no key to sign tokens with');
    return key;
  }

  verifying(): readonly VerifyingKey[] {
    const signing = this.signing();
    const now = this.#options.now();
    const others = this.#stored.keys.filter(
      ({ kid, until }) => kid !== signing.kid && (until === undefined || until > now),
    );
    return [signing, ...others];
  }

  sealing(): Uint8Array {
    const seal = this.#stored.seals[0];
    if (seal === undefined) throw new TokenKeyError('there is nothing to seal refresh tokens with');
    return seal;
  }

  opening(): readonly Uint8Array[] {
    return this.#stored.seals;
  }

  async refresh(): Promise<void> {
    if (this.#options.now() - this.#lookedAt >= LOOK_AT_MOST_EVERY) await this.#lookAgain();
  }

  #lookAgain(): Promise<void> {
    this.#look ??= this.#readAgain().finally(() => {
      this.#look = undefined;
    });
    return this.#look;
  }

  /** While the storage is away, the keys of before do. */
  async #readAgain(): Promise<void> {
    this.#lookedAt = this.#options.now();
    try {
      this.#stored = await readWhole(this.#reader, this.#options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.warn({ reason }, 'the token keys cannot be read: those of before stay in use');
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

interface Read {
  readonly reader: StoredKeyReader;
  readonly stored: StoredKeys;
}

async function readWhole(reader: StoredKeyReader, options: StoredKeyRingOptions): Promise<StoredKeys> {
  const { storage, signing, now } = options;
  const stored = await reader.read();
  const isWhole =
    stored.seals.length > 0 && (!signing || stored.keys.some(({ until }) => until === undefined));
  if (isWhole) return stored;
  await makeMissingKeys(storage, { signing, now: now() });
  return reader.read();
}
