import { LRUCache } from 'lru-cache';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { RegistryStorage } from '../storage/registry-storage.ts';

/** Which bare names are taken over by a hosted repository: those with a manifest. */
export class HostedNames {
  readonly #storage: RegistryStorage;
  readonly #now: () => number;
  readonly #known = new LRUCache<RepositoryName, { readonly hosted: boolean; readonly at: number }>({
    max: 10_000,
  });
  /** Names that this process may be writing to: what it wrote must be in its own answers at once. */
  readonly #changing = new LRUCache<RepositoryName, true>({ max: 10_000, ttl: 3_600_000 });

  constructor(storage: RegistryStorage, now: () => number) {
    this.#storage = storage;
    this.#now = now;
  }

  /** Somebody is about to write to the name. */
  changing(name: RepositoryName): void {
    this.#changing.set(name, true);
    this.#known.delete(name);
  }

  /** Answered from memory for as long as the storage lets links be. */
  async has(name: RepositoryName): Promise<boolean> {
    const known = this.#known.get(name);
    const { links } = this.#storage.driver.freshness;
    if (known !== undefined && this.#now() - known.at < Math.min(links, 1000)) return known.hosted;
    const at = this.#now();
    const hosted = await this.#storage.manifests.hasAny(name);
    if (!this.#changing.has(name)) this.#known.set(name, { hosted, at });
    return hosted;
  }
}
