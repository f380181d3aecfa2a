import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { BlobContents } from './blob-contents.ts';
import { entryCache } from './entry-cache.ts';
import { blobDataKey, layerLinkKey } from './layout.ts';
import type { Linker } from './linking.ts';
import type { LinkStore } from './links.ts';
import { DamagedContentError, KeyNotFoundError } from './storage-errors.ts';
import type { StorageLog } from './storage-log.ts';

export interface StoredBlob {
  /** Where the bytes are: differs from what was asked for distribution's sha256 alias of a sha512 blob. */
  readonly content: Digest;
  /** Bytes. */
  readonly size: number;
}

/** Repositories remembered as having a blob, and blobs for which that is remembered. */
const HOMES_PER_BLOB = 8;
const REMEMBERED_BLOBS = 20_000;

/** Which repository has which blob. */
export class Layers {
  readonly #contents: BlobContents;
  readonly #links: LinkStore;
  readonly #linker: Linker;
  readonly #log: StorageLog;
  readonly #homes = entryCache<Digest, RepositoryName[]>(REMEMBERED_BLOBS);

  constructor(parts: { contents: BlobContents; links: LinkStore; linker: Linker; log: StorageLog }) {
    this.#contents = parts.contents;
    this.#links = parts.links;
    this.#linker = parts.linker;
    this.#log = parts.log;
  }

  /**
   * undefined when the repository has no such blob.
   * @param how `inStorage`: another process may have removed it a moment ago, and that counts
   */
  async find(
    name: RepositoryName,
    digest: Digest,
    { inStorage }: { readonly inStorage?: boolean } = {},
  ): Promise<StoredBlob | undefined> {
    const link = layerLinkKey(name, digest);
    const content = await (inStorage === true
      ? this.#links.readInStorage(link)
      : this.#links.read(link, 'links'));
    if (content === undefined) return undefined;
    try {
      const size = await this.#contents.size(content);
      this.#addHome(name, digest);
      return { content, size };
    } catch (error) {
      this.takeForMissing(name, { digest, content, error });
      return undefined;
    }
  }

  /**
   * Says what is wrong with the data of a blob that is linked.
   * @throws `error`, when it does not mean that the data is missing or damaged
   */
  takeForMissing(
    name: RepositoryName,
    {
      digest,
      content,
      error,
    }: { readonly digest: Digest; readonly content: Digest; readonly error: unknown },
  ): void {
    const fields = { repository: name, digest, file: blobDataKey(content) };
    if (error instanceof KeyNotFoundError) {
      this.#log.warn(fields, 'a blob is linked, but its data is missing');
    } else if (error instanceof DamagedContentError) {
      this.#log.warn(fields, 'the data of a blob does not have its digest and is taken for missing');
    } else {
      throw error;
    }
  }

  /**
   * Links a blob whose data `ensureData` puts in place.
   * @throws BlobBeingDeletedError, and whatever `ensureData` throws
   */
  async add(name: RepositoryName, digest: Digest, ensureData: () => Promise<void>): Promise<void> {
    await this.#linker.link({ digest, link: layerLinkKey(name, digest), ensureData });
    this.#addHome(name, digest);
  }

  /**
   * Links a blob that another repository has.
   * @throws KeyNotFoundError when its data is not here; BlobBeingDeletedError
   */
  async mount(
    digest: Digest,
    names: { readonly from: RepositoryName; readonly to: RepositoryName },
  ): Promise<boolean> {
    const found = await this.find(names.from, digest);
    if (found === undefined) return false;
    await this.#linker.link({
      digest: found.content,
      link: layerLinkKey(names.to, digest),
      ensureData: async () => {
        await this.#contents.sizeInStorage(found.content);
      },
    });
    this.#addHome(names.to, digest);
    return true;
  }

  /** @returns false when the repository has no such blob */
  async remove(name: RepositoryName, digest: Digest): Promise<boolean> {
    const key = layerLinkKey(name, digest);
    const had = (await this.#links.read(key, 'links')) !== undefined;
    if (had) await this.#links.delete(key);
    return had;
  }

  /** Repositories that were seen with the blob; each is to be asked before it is believed. */
  likelyHomes(digest: Digest): readonly RepositoryName[] {
    return this.#homes.get(digest) ?? [];
  }

  #addHome(name: RepositoryName, digest: Digest): void {
    const homes = this.#homes.get(digest);
    if (homes === undefined) {
      this.#homes.set(digest, [name]);
    } else if (!homes.includes(name)) {
      homes.unshift(name);
      homes.length = Math.min(homes.length, HOMES_PER_BLOB);
    }
  }
}
