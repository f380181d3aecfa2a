import type { Digest } from '../oci/digest.ts';
import type { Candidates } from './candidates.ts';
import type { Key } from './driver.ts';
import type { LinkStore } from './links.ts';

/** The data of the blob is being deleted at this moment: take it for missing, or try again in some seconds. */
export class BlobBeingDeletedError extends Error {
  override readonly name = 'BlobBeingDeletedError';
  readonly digest: Digest;

  constructor(digest: Digest) {
    super(`${digest} is being deleted`);
    this.digest = digest;
  }
}

export interface LinkRequest {
  readonly digest: Digest;
  /** Where the link is written. */
  readonly link: Key;
  /** Puts the data in place, or sees in the storage itself that it is there (and throws when it is not). */
  readonly ensureData: () => Promise<void>;
}

/**
 * The one way a blob or manifest comes to be linked, whoever asks: upload, mount, manifest, fill. The order is
 * what makes it safe beside a running garbage collection: candidate off the list, data in place, link last.
 */
export class Linker {
  readonly #candidates: Candidates;
  readonly #links: LinkStore;

  constructor(candidates: Candidates, links: LinkStore) {
    this.#candidates = candidates;
    this.#links = links;
  }

  /** @throws BlobBeingDeletedError before any data was touched, and whatever `ensureData` throws */
  async link(request: LinkRequest): Promise<void> {
    await this.keep(request.digest);
    await request.ensureData();
    await this.#links.ensure(request.link, request.digest);
  }

  /**
   * For a blob that a new manifest names and that is linked already: keeps it from being collected.
   * @throws BlobBeingDeletedError
   */
  async keep(digest: Digest): Promise<void> {
    if ((await this.#candidates.release(digest)) === 'deleting') throw new BlobBeingDeletedError(digest);
  }

  /** Milliseconds for which data that `link` saw put in place need not be looked for again. */
  get lastsFor(): number {
    return this.#candidates.lastsFor;
  }
}
