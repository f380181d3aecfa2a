import type { AuthLog } from './auth-log.ts';
import type { BcryptHash } from './bcrypt-hash.ts';
import { NO_USERS, parseUsers, type Users, UsersFileError } from './users-file.ts';
import { type FileContent, WatchedFile } from './watched-file.ts';

export interface LiveUsersOptions {
  readonly path: string;
  readonly log: AuthLog;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Milliseconds between two looks at the file. */
const LOOK_EVERY = 1000;

/**
 * The users of the built-in mode: what the file says, or what it said before while it cannot be right.
 * Dispose it to stop looking.
 */
export class LiveUsers implements Disposable {
  readonly #file: WatchedFile;
  readonly #log: AuthLog;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #users: Users;
  #look: Promise<void> | undefined;
  #complaint: string | undefined;
  #lookedAt: number;

  private constructor(
    file: WatchedFile,
    { log, now, users }: Omit<LiveUsersOptions, 'path'> & { users: Users },
  ) {
    this.#file = file;
    this.#log = log;
    this.#now = now;
    this.#lookedAt = now();
    this.#users = users;
    this.#timer = setInterval(() => void this.refresh(0), LOOK_EVERY);
    this.#timer.unref();
  }

  /**
   * A file that is not there means no users yet.
   * @throws Error naming the key of the configuration when it cannot be read, or cannot be right
   */
  static async open({ path, log, now }: LiveUsersOptions): Promise<LiveUsers> {
    const file = new WatchedFile(path, now);
    const users = await firstUsers(file);
    if (users === undefined) {
      log.warn({ path }, 'the users file is not there: nobody can log in until it is');
      return new LiveUsers(file, { log, now, users: NO_USERS });
    }
    const live = new LiveUsers(file, { log, now, users });
    live.#tellRefused(users);
    return live;
  }

  hashOf(name: string): BcryptHash | undefined {
    return this.#users.hashes.get(name);
  }

  get usualCost(): number {
    return this.#users.usualCost;
  }

  /**
   * Takes a change of the file into service. Never throws: what is wrong is logged and the old users stay.
   * @param within not when it was looked at within so many milliseconds
   */
  async refresh(within: number): Promise<void> {
    if (this.#now() - this.#lookedAt < within) return;
    this.#look ??= this.#refresh().finally(() => {
      this.#look = undefined;
    });
    await this.#look;
  }

  async #refresh(): Promise<void> {
    let content: FileContent | undefined;
    this.#lookedAt = this.#now();
    try {
      content = await this.#file.look();
      if (content === undefined) return;
      this.#take(content);
      this.#complaint = undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const line = error instanceof UsersFileError ? error.line : undefined;
      this.#complain({ path: this.#file.path, line, reason });
    }
  }

  #take(content: FileContent): void {
    if (content.kind === 'missing') throw new Error('the file is not there');
    if (content.text === '' && this.#users.hashes.size + this.#users.refused.length > 0) {
      throw new UsersFileError(1, 'the file is empty');
    }
    const users = parseUsers(content.text);
    if (isSame(users, this.#users)) return;
    this.#users = users;
    this.#log.info({ path: this.#file.path, users: users.hashes.size }, 'users file read again');
    this.#tellRefused(users);
  }

  /** A file that is still wrong, or still away, is told once. */
  #complain(fields: { path: string; line: number | undefined; reason: string }): void {
    const complaint = JSON.stringify(fields);
    if (complaint === this.#complaint) return;
    this.#complaint = complaint;
    this.#log.error(fields, 'the users file cannot be right: the users of before stay in service');
  }

  #tellRefused({ refused }: Users): void {
    if (refused.length > 0) {
      this.#log.warn(
        { path: this.#file.path, refused },
        'these users cannot log in: their hashes are not bcrypt',
      );
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function isSame(one: Users, other: Users): boolean {
  return (
    one.hashes.size === other.hashes.size &&
    one.refused.join('\n') === other.refused.join('\n') &&
    [...one.hashes].every(([name, hash]) => other.hashes.get(name) === hash)
  );
}

/** @returns undefined when the file is not there */
async function firstUsers(file: WatchedFile): Promise<Users | undefined> {
  try {
    const content = await file.look();
    return content?.kind === 'text' ? parseUsers(content.text) : undefined;
  } catch (cause) {
    throw new Error('auth.builtin.users cannot be used', { cause });
  }
}
