import type { Digest } from '../oci/digest.ts';
import { isTag, type Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { mapBounded } from './bounded.ts';
import type { FolderEntry, ListOptions, StorageDriver } from './driver.ts';
import { KeyedLock } from './keyed-lock.ts';
import { tagCurrentLinkKey, tagFolder, tagIndexLinkKey, tagsFolder } from './layout.ts';
import type { LinkStore } from './links.ts';

export interface TagPage {
  readonly tags: readonly Tag[];
  readonly more: boolean;
}

/** Links read at a time where all tags of a repository are looked through. */
const READ_AT_A_TIME = 32;

/** What the tags of a repository lead to. */
export class Tags {
  readonly #driver: StorageDriver;
  readonly #links: LinkStore;
  /** By tag: what looks at a tag and then changes it must not overwrite what another request changed between. */
  readonly #changing = new KeyedLock();

  constructor(driver: StorageDriver, links: LinkStore) {
    this.#driver = driver;
    this.#links = links;
  }

  read(name: RepositoryName, tag: Tag): Promise<Digest | undefined> {
    return this.#links.read(tagCurrentLinkKey(name, tag), 'tags');
  }

  /**
   * Durable when it resolves; the digest must be linked as a manifest already. The history beside it is what
   * nothing is read from, so it may be lost with the machine.
   */
  write(name: RepositoryName, tag: Tag, digest: Digest): Promise<void> {
    const key = tagCurrentLinkKey(name, tag);
    return this.#changing.run(key, async () => {
      // Both are waited for, whatever fails: one that arrives later would undo a later change.
      const [history, current] = await Promise.allSettled([
        this.#driver.write(tagIndexLinkKey(name, tag, digest), Buffer.from(digest), { durable: false }),
        this.#links.write(key, digest),
      ]);
      if (current.status === 'rejected') throw current.reason;
      if (history.status === 'rejected') throw history.reason;
    });
  }

  /**
   * Removes what a crash left of a tag too, an empty folder last of all: it is in lists.
   * @returns false when there is no such tag
   */
  remove(name: RepositoryName, tag: Tag): Promise<boolean> {
    return this.#changing.run(tagCurrentLinkKey(name, tag), async () => {
      const { entries } = await this.#driver.list(tagFolder(name, tag), { limit: 1 });
      await this.#removeFolder(name, tag);
      return entries.length > 0;
    });
  }

  /** In ASCII order. A page is as long as asked unless the list ends with it. */
  async list(name: RepositoryName, options: ListOptions): Promise<TagPage> {
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const tags: Tag[] = [];
    let page = await this.#driver.list(tagsFolder(name), options);
    for (;;) {
      tags.push(
        ...page.entries
          .filter((entry) => entry.kind === 'folder')
          .map(nameOf)
          .filter(isTag),
      );
      const after = page.entries.at(-1)?.name;
      // What is no tag (a file that somebody left) took the place of one.
      if (!page.more || after === undefined || tags.length >= limit) return { tags, more: page.more };
      page = await this.#driver.list(tagsFolder(name), { ...options, after, limit: limit - tags.length });
    }
  }

  /** Removes every tag that leads to the digest in the storage itself: another process may have moved it. */
  async removeAllOf(name: RepositoryName, digest: Digest): Promise<readonly Tag[]> {
    const { tags } = await this.list(name, {});
    const removed = await mapBounded(tags, READ_AT_A_TIME, (tag) =>
      this.#changing.run(tagCurrentLinkKey(name, tag), async () => {
        if ((await this.#links.readInStorage(tagCurrentLinkKey(name, tag))) !== digest) return undefined;
        await this.#removeFolder(name, tag);
        return tag;
      }),
    );
    return removed.filter((tag) => tag !== undefined);
  }

  #removeFolder(name: RepositoryName, tag: Tag): Promise<void> {
    return this.#links.deleteFolder(tagFolder(name, tag), tagCurrentLinkKey(name, tag));
  }
}

const nameOf = (entry: FolderEntry): string => entry.name;
