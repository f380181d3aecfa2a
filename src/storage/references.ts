import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Layers } from './layers.ts';
import { BlobBeingDeletedError, type Linker } from './linking.ts';
import type { Manifests } from './manifests.ts';

/** What a new manifest names: seen to be here, and kept from being collected before the manifest is. */
export class References {
  readonly #layers: Layers;
  readonly #manifests: Manifests;
  readonly #linker: Linker;

  constructor(parts: { layers: Layers; manifests: Manifests; linker: Linker }) {
    this.#layers = parts.layers;
    this.#manifests = parts.manifests;
    this.#linker = parts.linker;
  }

  /** Whether the repository has this blob, and still will when the manifest is linked. */
  async keepBlob(name: RepositoryName, digest: Digest): Promise<boolean> {
    const found = await this.#layers.find(name, digest);
    return found !== undefined && this.#keep(found.content);
  }

  /** As `keepBlob`, for a manifest or a blob: an index may name both. */
  async keepContent(name: RepositoryName, digest: Digest): Promise<boolean> {
    if (await this.#manifests.has(name, digest)) return this.#keep(digest);
    return this.keepBlob(name, digest);
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
