import { LRUCache } from 'lru-cache';
import type { Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { Coalesced } from './tag-checks.ts';

/** Milliseconds for which the pages behind the first are of the list that the first was of. */
const WALK = 60_000;
/** Tags remembered of all lists together. */
const MOST_TAGS = 200_000;

/** Lists of tags as upstreams tell them: whole ones, of which clients take page after page. */
export class TagLists {
  readonly #now: () => number;
  readonly #running = new Coalesced<readonly Tag[]>();
  readonly #recent = new LRUCache<RepositoryName, { readonly tags: readonly Tag[]; readonly at: number }>({
    maxSize: MOST_TAGS,
    sizeCalculation: ({ tags }) => tags.length + 1,
  });

  /** @param now milliseconds that only go forward */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * The tags in ASCII order: as the upstream tells them now, once however many ask, or as it did a moment ago where
   * a later page is asked for.
   * @throws what `fetch` throws
   */
  async get(
    name: RepositoryName,
    { after, fetch }: { readonly after: string | undefined; readonly fetch: () => Promise<Tag[]> },
  ): Promise<readonly Tag[]> {
    const recent = this.#recent.get(name);
    if (after !== undefined && recent !== undefined && this.#now() - recent.at < WALK) return recent.tags;
    return await this.#running.run(name, async () => {
      const tags = (await fetch()).sort();
      this.#recent.set(name, { tags, at: this.#now() });
      return tags;
    });
  }
}
