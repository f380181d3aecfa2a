import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { RegistryError } from '../oci/errors.ts';

export interface ThrottleOptions {
  /** Wrong passwords for one account from one address within the window. */
  readonly account: number;
  /** Wrong passwords for any accounts from one address within the window. */
  readonly address: number;
  /** Milliseconds. */
  readonly window: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** `wait`: comparisons under way may still use up what is left. */
export type Admission = 'go' | 'wait';

/** Whose password is tried. */
export interface Attempt {
  readonly account: string;
  readonly address: string;
}

interface Tally {
  /** Times of wrong passwords, oldest first; never more than the limit. */
  readonly failures: number[];
  running: number;
}

/** Addresses and pairs of address and account that are remembered. */
const REMEMBERED = 50_000;

/**
 * Counts wrong passwords by address, and by account and address. One address never uses up what another has.
 */
export class LoginThrottle {
  readonly #options: ThrottleOptions;
  readonly #addresses = new LRUCache<string, Tally>({ max: REMEMBERED });
  readonly #accounts = new LRUCache<string, Tally>({ max: REMEMBERED });

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  /** @throws RegistryError TOOMANYREQUESTS with `retry-after` */
  admit(attempt: Attempt): Admission {
    const tallies = this.#tallies(attempt);
    for (const { tally, limit } of tallies) this.#refuseWhenFull(tally, limit);
    const isFree = tallies.every(({ tally, limit }) => tally.failures.length + tally.running < limit);
    return isFree ? 'go' : 'wait';
  }

  /** A comparison begins; call what comes back when it ended. */
  started(attempt: Attempt): () => void {
    const tallies = this.#tallies(attempt);
    for (const { tally } of tallies) tally.running += 1;
    return () => {
      for (const { tally } of tallies) tally.running -= 1;
    };
  }

  failed(attempt: Attempt): void {
    for (const { tally, limit } of this.#tallies(attempt)) {
      tally.failures.push(this.#options.now());
      if (tally.failures.length > limit) tally.failures.shift();
    }
  }

  #refuseWhenFull(tally: Tally, limit: number): void {
    const { window, now } = this.#options;
    while (tally.failures[0] !== undefined && tally.failures[0] <= now() - window) tally.failures.shift();
    const oldest = tally.failures[0];
    if (oldest === undefined || tally.failures.length < limit) return;
    const seconds = Math.max(1, Math.ceil((oldest + window - now()) / 1000));
    throw new RegistryError('TOOMANYREQUESTS', {
      message: `too many wrong passwords: try again in ${seconds} s`,
      headers: { 'retry-after': String(seconds) },
    });
  }

  #tallies({ account, address }: Attempt): readonly { readonly tally: Tally; readonly limit: number }[] {
    const network = networkOf(address);
    return [
      { tally: tallyOf(this.#addresses, network), limit: this.#options.address },
      { tally: tallyOf(this.#accounts, `${network} ${account.slice(0, 256)}`), limit: this.#options.account },
    ];
  }
}

function tallyOf(tallies: LRUCache<string, Tally>, key: string): Tally {
  const known = tallies.get(key);
  if (known !== undefined) return known;
  const tally: Tally = { failures: [], running: 0 };
  tallies.set(key, tally);
  return tally;
}

/** Who has one IPv6 address has a whole /64 of them. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...front, ...Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0'), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
