import { type Digest, digestAlgorithm, digestOf } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { Reference, Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { storedMediaType } from '../oci/stored-media-type.ts';
import type { BlobContents } from './blob-contents.ts';
import type { StorageDriver } from './driver.ts';
import { entryCache } from './entry-cache.ts';
import { KeyedLock } from './keyed-lock.ts';
import { blobDataKey, revisionLinkKey, revisionsFolder, tagCurrentLinkKey } from './layout.ts';
import type { Linker } from './linking.ts';
import type { LinkStore } from './links.ts';
import type { Referrers } from './referrers.ts';
import { DamagedContentError, KeyNotFoundError } from './storage-errors.ts';
import type { StorageLog } from './storage-log.ts';
import type { Tags } from './tags.ts';

export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly content: Buffer;
}

export interface NewManifest {
  /** By which it is asked: of a signed one of schema 1 that of what was signed, not of its bytes. */
  readonly digest: Digest;
  readonly content: Buffer;
  readonly manifest: Manifest;
  readonly tags: readonly Tag[];
}

/** Bytes; what other registries let through is read here too, with room to spare. */
const READ_LIMIT = 64 * 1024 * 1024;

const REMEMBERED_MEDIA_TYPES = 20_000;
const REMEMBERED_UNSURE = 10_000;

/** The manifests of repositories, with the tags and referrer entries that go with them. */
export class Manifests {
  readonly #driver: StorageDriver;
  readonly #contents: BlobContents;
  readonly #links: LinkStore;
  readonly #linker: Linker;
  readonly #tags: Tags;
  readonly #referrers: Referrers;
  readonly #log: StorageLog;
  /** By manifest: a removal must not take away the link of a push between its link and its tags. */
  readonly #changing = new KeyedLock();
  readonly #mediaTypes = entryCache<Digest, string>(REMEMBERED_MEDIA_TYPES);
  /** Content being written, or whose write failed: what the storage shows of it may not be durable. */
  readonly #unsure = entryCache<Digest, true>(REMEMBERED_UNSURE);

  constructor(parts: {
    driver: StorageDriver;
    contents: BlobContents;
    links: LinkStore;
    linker: Linker;
    tags: Tags;
    referrers: Referrers;
    log: StorageLog;
  }) {
    this.#driver = parts.driver;
    this.#contents = parts.contents;
    this.#links = parts.links;
    this.#linker = parts.linker;
    this.#tags = parts.tags;
    this.#referrers = parts.referrers;
    this.#log = parts.log;
  }

  /** undefined when the repository has no such manifest. */
  async find(name: RepositoryName, reference: Reference): Promise<StoredManifest | undefined> {
    if (reference.kind === 'digest') return this.#revision(name, reference.digest);
    const digest = await this.#tags.read(name, reference.tag);
    if (digest === undefined) return undefined;
    const found = await this.#revision(name, digest);
    if (found === undefined) {
      this.#log.warn(
        { repository: name, tag: reference.tag, digest, file: tagCurrentLinkKey(name, reference.tag) },
        'a tag leads to a manifest that is missing',
      );
    }
    return found;
  }

  /** The digest under which the data of a manifest lies; undefined when the repository does not link it. */
  contentOf(name: RepositoryName, digest: Digest): Promise<Digest | undefined> {
    return this.#links.read(revisionLinkKey(name, digest), 'links');
  }

  /** Whether the repository links any manifest. */
  async hasAny(name: RepositoryName): Promise<boolean> {
    for (const algorithm of ['sha256', 'sha512']) {
      const { entries } = await this.#driver.list(`${revisionsFolder(name)}/${algorithm}`, { limit: 1 });
      if (entries.length > 0) return true;
    }
    return false;
  }

  /**
   * Content, revision, referrer entry, tags, in this order; all durable when it resolves. The content lies under the
   * digest of its bytes and no other, since every repository shares what lies there.
   * @throws BlobBeingDeletedError
   */
  put(name: RepositoryName, { digest, content, manifest, tags }: NewManifest): Promise<void> {
    const link = revisionLinkKey(name, digest);
    const data = digestOf(content, digestAlgorithm(digest));
    return this.#changing.run(link, async () => {
      await this.#linker.link({ digest: data, link, ensureData: () => this.#ensureContent(data, content) });
      if (manifest.subject !== undefined) await this.#referrers.add(name, manifest.subject.digest, digest);
      for (const tag of tags) await this.#tags.write(name, tag, digest);
    });
  }

  /**
   * Removes the manifest and every tag on it; the tags first, so that a crash leaves none that leads nowhere.
   * @returns undefined when the repository has no such manifest, else the tags that went
   */
  remove(name: RepositoryName, digest: Digest): Promise<readonly Tag[] | undefined> {
    const link = revisionLinkKey(name, digest);
    return this.#changing.run(link, async () => {
      if ((await this.#links.readInStorage(link)) === undefined) return undefined;
      const tags = await this.#tags.removeAllOf(name, digest);
      const stored = await this.#revision(name, digest);
      if (stored !== undefined) await this.#referrers.removeOf(name, stored);
      await this.#links.delete(link);
      return tags;
    });
  }

  async #revision(name: RepositoryName, digest: Digest): Promise<StoredManifest | undefined> {
    const target = await this.contentOf(name, digest);
    if (target === undefined) return undefined;
    try {
      const content = await this.#contents.whole(target, READ_LIMIT);
      return { digest, content, mediaType: this.#mediaTypeOf(target, content) };
    } catch (error) {
      const fields = { repository: name, digest, file: blobDataKey(target) };
      if (error instanceof KeyNotFoundError) {
        this.#log.warn(fields, 'a manifest is linked, but its data is missing');
      } else if (error instanceof DamagedContentError) {
        this.#log.warn(fields, 'the data of a manifest does not have its digest and is taken for missing');
      } else {
        throw error;
      }
      return undefined;
    }
  }

  #mediaTypeOf(digest: Digest, content: Buffer): string {
    const known = this.#mediaTypes.get(digest);
    if (known !== undefined) return known;
    const mediaType = storedMediaType(content);
    this.#mediaTypes.set(digest, mediaType);
    return mediaType;
  }

  async #isWhole(digest: Digest, size: number): Promise<boolean> {
    try {
      await this.#contents.wholeInStorage(digest, size);
      return true;
    } catch (error) {
      if (!(error instanceof KeyNotFoundError) && !(error instanceof DamagedContentError)) throw error;
      return false;
    }
  }

  async #ensureContent(digest: Digest, content: Buffer): Promise<void> {
    const mayBeThere = this.#driver.capabilities?.cheapWrites !== true && !this.#unsure.has(digest);
    if (mayBeThere && (await this.#isWhole(digest, content.length))) return;
    this.#unsure.set(digest, true);
    await this.#driver.write(blobDataKey(digest), content);
    this.#unsure.delete(digest);
    this.#contents.remember(digest, content);
  }
}
