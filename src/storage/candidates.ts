import { type Digest, type DigestAlgorithm, digestFromHex } from '../oci/digest.ts';
import { readContent } from './content.ts';
import type { StorageDriver } from './driver.ts';
import { candidateKey, candidatesFolder, deletingKey, gracePeriodKey } from './layout.ts';
import { KeyNotFoundError } from './storage-errors.ts';

/** Milliseconds, when nothing lies beside the candidates. */
export const DEFAULT_GRACE_PERIOD = 24 * 60 * 60 * 1000;

/** Milliseconds after which a deleting mark was left behind by a collector that died, wherever it is. */
const MARK_LASTS = 10 * 60 * 1000;

const ALGORITHMS: readonly DigestAlgorithm[] = ['sha256', 'sha512'];

/**
 * What garbage collection found unreachable and will delete a grace period later, unless somebody links it.
 * The list is read past every memory and never older than half the grace period, so that linking costs
 * nothing extra where there is no candidate: a new one is not deleted before it is seen here.
 */
export class Candidates {
  readonly #driver: StorageDriver;
  readonly #now: () => number;
  readonly #clock: () => Date;
  #list: Promise<ReadonlySet<Digest>> | undefined;
  #validUntil = 0;
  #halfGrace = 0;

  constructor(driver: StorageDriver, options: { readonly now: () => number; readonly clock: () => Date }) {
    this.#driver = driver;
    this.#now = options.now;
    this.#clock = options.clock;
  }

  /**
   * The first step of linking a blob: takes it off the list.
   * @returns 'deleting' when its data is being deleted and must be taken for missing
   */
  async release(digest: Digest): Promise<'kept' | 'deleting'> {
    if (!(await this.#current()).has(digest)) return 'kept';
    await this.#driver.delete(candidateKey(digest));
    return (await this.#isDeleting(digest)) ? 'deleting' : 'kept';
  }

  /**
   * Milliseconds for which data that was put in place after its release is there for sure: nothing deletes it that
   * was not a candidate for a grace period before.
   */
  get lastsFor(): number {
    return this.#halfGrace;
  }

  async #isDeleting(digest: Digest): Promise<boolean> {
    try {
      const { modifiedAt } = await this.#driver.stat(deletingKey(digest));
      if (this.#clock().getTime() - modifiedAt.getTime() < MARK_LASTS) return true;
    } catch (error) {
      if (error instanceof KeyNotFoundError) return false;
      throw error;
    }
    await this.#driver.delete(deletingKey(digest));
    return false;
  }

  #current(): Promise<ReadonlySet<Digest>> {
    if (this.#list === undefined || this.#now() >= this.#validUntil) {
      const startedAt = this.#now();
      const list = this.#read(startedAt);
      this.#list = list;
      this.#validUntil = Number.POSITIVE_INFINITY;
      list.catch(() => {
        if (this.#list === list) this.#list = undefined;
      });
    }
    return this.#list;
  }

  async #read(startedAt: number): Promise<ReadonlySet<Digest>> {
    const found = new Set<Digest>();
    for (const algorithm of ALGORITHMS) {
      const { entries } = await this.#driver.list(`${candidatesFolder}/${algorithm}`);
      for (const { name } of entries) found.add(digestFromHex(algorithm, name));
    }
    this.#halfGrace = (await this.#gracePeriod()) / 2;
    this.#validUntil = startedAt + this.#halfGrace;
    return found;
  }

  async #gracePeriod(): Promise<number> {
    try {
      const text = (await readContent(this.#driver, gracePeriodKey, { limit: 64 })).toString('latin1');
      const milliseconds = Number(text);
      return Number.isFinite(milliseconds) && milliseconds > 0 ? milliseconds : DEFAULT_GRACE_PERIOD;
    } catch (error) {
      if (error instanceof KeyNotFoundError) return DEFAULT_GRACE_PERIOD;
      throw error;
    }
  }
}
