import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { BlobContents } from './blob-contents.ts';
import type { Layers } from './layers.ts';
import { BlobBeingDeletedError, type Linker } from './linking.ts';
import type { Manifests } from './manifests.ts';
import { KeyNotFoundError } from './storage-errors.ts';

/** What a new manifest names: seen to be here, and kept from being collected before the manifest is. */
export class References {
  readonly #contents: BlobContents;
  readonly #layers: Layers;
  readonly #manifests: Manifests;
  readonly #linker: Linker;

  constructor(parts: { contents: BlobContents; layers: Layers; manifests: Manifests; linker: Linker }) {
    this.#contents = parts.contents;
    this.#layers = parts.layers;
    this.#manifests = parts.manifests;
    this.#linker = parts.linker;
  }

  /** Whether the repository has this blob, and still will when the manifest is linked. */
  async keepBlob(
    name: RepositoryName,
    digest: Digest,
    how: { readonly inStorage?: boolean } = {},
  ): Promise<boolean> {
    const found = await this.#layers.find(name, digest, how);
    return found !== undefined && this.#keepData(found.content);
  }

  /** As `keepBlob`, for a manifest or a blob: an index may name both. */
  async keepContent(name: RepositoryName, digest: Digest): Promise<boolean> {
    const content = await this.#manifests.contentOf(name, digest);
    return content === undefined ? this.keepBlob(name, digest) : this.#keepData(content);
  }

  /** For what a manifest names and need not be here: keeps it, should it be. */
  async keepIfHere(digest: Digest): Promise<void> {
    await this.#keep(digest);
  }

  /** The data is looked for in the storage itself, and last: a collection may just have ended. */
  async #keepData(digest: Digest): Promise<boolean> {
    if (!(await this.#keep(digest))) return false;
    if (this.#contents.isJustPlaced(digest, this.#linker.lastsFor)) return true;
    try {
      await this.#contents.sizeInStorage(digest);
      return true;
    } catch (error) {
      if (error instanceof KeyNotFoundError) return false;
      throw error;
    }
  }

  async #keep(digest: Digest): Promise<boolean> {
    try {
      await this.#linker.keep(digest);
      return true;
    } catch (error) {
      if (error instanceof BlobBeingDeletedError) return false;
      throw error;
    }
  }
}
