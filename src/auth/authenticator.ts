import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type BcryptHash, compareBcrypt, hashOfNobody } from './bcrypt-hash.ts';
import type { ComparisonQueue } from './comparison-queue.ts';
import { type Attempt, type LoginThrottle, networkOf } from './login-throttle.ts';

/** Where the hashes come from. */
export interface UserHashes {
  /** Takes a changed file into service, unless it was looked at within so many milliseconds. */
  refresh(within: number): Promise<void>;
  hashOf(name: string): BcryptHash | undefined;
  /** What a comparison for an unknown name should cost. */
  readonly usualCost: number;
}

export interface LoginAttempt extends Attempt {
  readonly password: string;
}

export interface AuthenticatorOptions {
  readonly users: UserHashes;
  readonly queue: ComparisonQueue;
  /** Undefined: wrong passwords are not counted. */
  readonly throttle: LoginThrottle | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export type LoginResult =
  | { readonly kind: 'wrong' }
  /** `hash` is what the password was compared with: it may be another one in the file by now. */
  | { readonly kind: 'right' | 'remembered'; readonly hash: BcryptHash };

const WRONG: LoginResult = { kind: 'wrong' };

/** Milliseconds for which a login that succeeded is not compared again. */
const REMEMBERED_FOR = 60_000;
const REMEMBERED_LOGINS = 10_000;
/** Milliseconds; a remembered login costs no look at the file when the last one is not older. */
const LOOK_AT_MOST_EVERY = 250;

/** Judges names and passwords with as few bcrypt comparisons as can be, and the same for every wrong one. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #remembered: LRUCache<string, true>;
  readonly #underWay = new Map<string, Promise<boolean>>();
  /** What is remembered is worth nothing outside of this process. */
  readonly #pepper = randomBytes(32);

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#remembered = new LRUCache({
      max: REMEMBERED_LOGINS,
      ttl: REMEMBERED_FOR,
      ttlResolution: 0,
      perf: { now: options.now },
    });
  }

  /**
   * A name that is unknown, or whose hash is not bcrypt, takes the same time as a wrong password.
   * @throws RegistryError TOOMANYREQUESTS
   */
  async login(attempt: LoginAttempt): Promise<LoginResult> {
    const { users, throttle } = this.#options;
    await users.refresh(LOOK_AT_MOST_EVERY);
    const known = users.hashOf(attempt.account);
    if (known !== undefined && this.#remembered.has(this.#fingerprint(attempt, known))) {
      return { kind: 'remembered', hash: known };
    }
    throttle?.admit(attempt);
    await users.refresh(0);
    const hash = users.hashOf(attempt.account);
    const credentials = this.#fingerprint(attempt, hash);
    const key = `${attempt.address} ${credentials}`;
    const underWay = this.#underWay.get(key);
    const comparison = underWay ?? this.#compare(attempt, { hash, credentials });
    if (underWay === undefined) {
      this.#underWay.set(key, comparison);
      const forget = () => this.#underWay.delete(key);
      comparison.then(forget, forget);
    }
    if ((await comparison) && hash !== undefined) return { kind: 'right', hash };
    if (underWay === undefined) return WRONG;
    // One comparison for all who asked the same, but each wrong password counts.
    throttle?.admit(attempt);
    throttle?.failed(attempt);
    return WRONG;
  }

  #compare(attempt: LoginAttempt, { hash, credentials }: Known): Promise<boolean> {
    const { users, queue, throttle } = this.#options;
    return queue.run({
      address: networkOf(attempt.address),
      admit: () => (this.#remembered.has(credentials) ? 'go' : (throttle?.admit(attempt) ?? 'go')),
      compare: async () => {
        if (this.#remembered.has(credentials)) return true;
        const ended = throttle?.started(attempt);
        try {
          const matches = await compareBcrypt(attempt.password, hash ?? hashOfNobody(users.usualCost));
          const isRight = matches && hash !== undefined;
          if (isRight) this.#remembered.set(credentials, true);
          else throttle?.failed(attempt);
          return isRight;
        } finally {
          ended?.();
        }
      },
    });
  }

  /** Holds the hash too: a changed password or a removed user is forgotten with the file's change. */
  #fingerprint({ account, password }: LoginAttempt, hash: BcryptHash | undefined): string {
    const text = JSON.stringify([account, password, hash ?? null]);
    return createHmac('sha256', this.#pepper).update(text).digest('base64');
  }
}

interface Known {
  readonly hash: BcryptHash | undefined;
  readonly credentials: string;
}
