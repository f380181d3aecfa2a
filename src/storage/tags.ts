import type { Digest } from '../oci/digest.ts';
import { isTag, type Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { mapBounded } from './bounded.ts';
import type { ListOptions, StorageDriver } from './driver.ts';
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
  async write(name: RepositoryName, tag: Tag, digest: Digest): Promise<void> {
    await Promise.all([
      this.#driver.write(tagIndexLinkKey(name, tag, digest), Buffer.from(digest), { durable: false }),
      this.#links.write(tagCurrentLinkKey(name, tag), digest),
    ]);
  }

  /** @returns false when there is no such tag */
  async remove(name: RepositoryName, tag: Tag): Promise<boolean> {
    if ((await this.#links.read(tagCurrentLinkKey(name, tag), 'tags')) === undefined) return false;
    await this.#links.deleteFolder(tagFolder(name, tag), tagCurrentLinkKey(name, tag));
    return true;
  }

  /** In ASCII order. */
  async list(name: RepositoryName, options: ListOptions): Promise<TagPage> {
    const { entries, more } = await this.#driver.list(tagsFolder(name), options);
    return {
      tags: entries
        .filter((entry) => entry.kind === 'folder')
        .map((entry) => entry.name)
        .filter(isTag),
      more,
    };
  }

  /** Removes every tag that leads to the digest. */
  async removeAllOf(name: RepositoryName, digest: Digest): Promise<readonly Tag[]> {
    const { tags } = await this.list(name, {});
    const removed = await mapBounded(tags, READ_AT_A_TIME, async (tag) =>
      (await this.read(name, tag)) === digest && (await this.remove(name, tag)) ? tag : undefined,
    );
    return removed.filter((tag) => tag !== undefined);
  }
}
