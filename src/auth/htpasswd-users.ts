import { RegistryError } from '../oci/errors.ts';
import type { AuthLog } from './auth-log.ts';
import type { UserHashes } from './authenticator.ts';
import { type BcryptHash, isBcryptHash } from './bcrypt-hash.ts';
import { UsersFileError, usualCost } from './users-file.ts';
import { type FileContent, WatchedFile } from './watched-file.ts';

export interface HtpasswdUsersOptions {
  readonly path: string;
  readonly log: AuthLog;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The users of `auth.htpasswd`: the file is judged as distribution v3.1 does. */
export class HtpasswdUsers implements UserHashes {
  readonly #file: WatchedFile;
  readonly #options: HtpasswdUsersOptions;
  #hashes: ReadonlyMap<string, BcryptHash> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Shared by all who ask while it goes on: the file tells its change once. */
  #look: Promise<void> | undefined;

  constructor(options: HtpasswdUsersOptions) {
    this.#file = new WatchedFile(options.path, options.now);
    this.#options = options;
  }

  get usualCost(): number {
    return usualCost(this.#hashes?.values() ?? []);
  }

  hashOf(name: string): BcryptHash | undefined {
    return this.#hashes?.get(name);
  }

  /**
   * A file that cannot be parsed leaves the users of before.
   * @throws RegistryError UNAVAILABLE when the file cannot be read, or could not be parsed so far
   */
  async refresh(within: number): Promise<void> {
    if (this.#options.now() - this.#lookedAt < within) return;
    this.#look ??= this.#refresh().finally(() => {
      this.#look = undefined;
    });
    await this.#look;
  }

  async #refresh(): Promise<void> {
    const { now, log, path } = this.#options;
    try {
      this.#take(await this.#file.look());
      this.#lookedAt = now();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ path, reason }, 'the htpasswd file cannot be used');
      if (error instanceof UsersFileError && this.#hashes !== undefined) return;
      throw unavailable(error);
    }
    if (this.#hashes === undefined) throw unavailable();
  }

  #take(content: FileContent | undefined): void {
    if (content?.kind === 'text') this.#hashes = parseHtpasswd(content.text);
    if (content?.kind === 'missing') {
      this.#hashes = undefined;
      throw new Error('the file is not there');
    }
  }
}

function unavailable(cause?: unknown): RegistryError {
  return new RegistryError('UNAVAILABLE', { message: 'logins cannot be judged for now', cause });
}

/**
 * Blank lines and `#` lines are none, a line without a colon is an error, the last of two lines with one name
 * counts, and what is not bcrypt never matches.
 * @throws UsersFileError
 */
export function parseHtpasswd(text: string): ReadonlyMap<string, BcryptHash> {
  const hashes = new Map<string, BcryptHash>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    if (colon < 0) throw new UsersFileError(index + 1, 'no colon between a name and a hash');
    const hash = line.slice(colon + 1);
    hashes.delete(line.slice(0, colon));
    if (isBcryptHash(hash)) hashes.set(line.slice(0, colon), hash);
  }
  return hashes;
}
