import type { ByteRange } from '../../oci/byte-range.ts';
import type { Digest } from '../../oci/digest.ts';
import type { BlobAnswer, ReadRequest } from '../../oci/repository-reader.ts';
import { KeyNotFoundError } from '../../storage/storage-errors.ts';
import type { Fill } from '../fill/fills.ts';
import { UpstreamError, UpstreamNotFound } from '../upstream/upstream-errors.ts';
import { hasAnything, type MirroredSource, type MirrorParts } from './mirror-parts.ts';
import { toldError, unknownBlob } from './told-errors.ts';

/** The blobs of a mirrored repository: stored, on their way for somebody, or still to be fetched. */
export class MirroredBlobs {
  readonly #parts: MirrorParts;
  readonly #source: MirroredSource;

  constructor(parts: MirrorParts, source: MirroredSource) {
    this.#parts = parts;
    this.#source = source;
  }

  async read(digest: Digest, { method }: ReadRequest): Promise<BlobAnswer> {
    const here = await this.#storedBlob(digest);
    if (here !== undefined) return here;
    if (method === 'HEAD' && this.#source.bare && !(await hasAnything(this.#parts, this.#source.stored)))
      throw unknownBlob(this.#source, digest);
    try {
      const linked = await this.#blobOfOthers(digest);
      if (linked !== undefined) return linked;
      return method === 'HEAD' ? await this.#headBlob(digest) : answerOf(digest, await this.#fill(digest));
    } catch (error) {
      throw toldError(error, {
        source: this.#source,
        method,
        wanted: 'blob',
        unknown: () => unknownBlob(this.#source, digest),
      });
    }
  }

  /**
   * Has the blob linked in this repository, fetched where needed.
   * @returns false when the upstream has no such blob
   */
  async bring(digest: Digest): Promise<boolean> {
    if ((await this.#parts.storage.layers.find(this.#source.stored, digest)) !== undefined) return true;
    try {
      if ((await this.#blobOfOthers(digest)) === undefined) await (await this.#fill(digest)).kept;
      return true;
    } catch (error) {
      if (error instanceof UpstreamNotFound) return false;
      throw toldError(error, { source: this.#source, method: 'GET', wanted: 'blob' });
    }
  }

  async #storedBlob(digest: Digest): Promise<BlobAnswer | undefined> {
    const { storage, redirect } = this.#parts;
    const found = await storage.layers.find(this.#source.stored, digest);
    if (found === undefined) return undefined;
    const { contents } = storage;
    return {
      digest,
      size: found.size,
      content: await contents.small(found.content, found.size),
      open: async (range: ByteRange | undefined, signal: AbortSignal) => {
        const reader = await contents.open(
          found.content,
          range === undefined ? { signal } : { range, signal },
        );
        return reader.chunks();
      },
      redirect: () => redirect(found.content),
    };
  }

  /**
   * Bytes that are here, or on their way, for another repository: linked once the upstream has said that this
   * repository has them too.
   * @returns undefined when they have to be fetched
   */
  async #blobOfOthers(digest: Digest): Promise<BlobAnswer | undefined> {
    const { storage, fills } = this.#parts;
    const { client, upstreamName } = this.#source;
    const running = await this.#running(digest);
    if (running !== undefined) {
      if (running.stored !== this.#source.stored) {
        await client.headBlob({ repository: upstreamName, digest });
        const link = running.kept.then(() => this.#link(digest));
        link.catch((error: unknown) => {
          this.#parts.log.warn(
            { repository: this.#source.stored, digest, err: error },
            'a blob could not be linked',
          );
        });
      }
      return fills.find(digest) === undefined ? await this.#storedBlob(digest) : answerOf(digest, running);
    }
    try {
      await storage.contents.sizeInStorage(digest);
      await client.headBlob({ repository: upstreamName, digest });
      await this.#link(digest);
    } catch (error) {
      if (error instanceof KeyNotFoundError) return undefined;
      throw error;
    }
    return await this.#storedBlob(digest);
  }

  /** The fill of another request, unless it cannot begin: then this one asks for itself. */
  async #running(digest: Digest): Promise<Fill | undefined> {
    const running = this.#parts.fills.find(digest);
    try {
      return await running;
    } catch (error) {
      if (error instanceof UpstreamError) return undefined;
      throw error;
    }
  }

  #link(digest: Digest): Promise<void> {
    const { layers, contents } = this.#parts.storage;
    return layers.add(this.#source.stored, digest, async () => {
      await contents.sizeInStorage(digest);
    });
  }

  async #headBlob(digest: Digest): Promise<BlobAnswer> {
    const { client, upstreamName } = this.#source;
    const told = await client.headBlob({ repository: upstreamName, digest });
    const size = told ?? this.#parts.sizes.get(digest);
    if (size === undefined) {
      const fill = await this.#fill(digest);
      if (fill.size !== undefined) return answerOf(digest, fill);
      await fill.kept;
      const here = await this.#storedBlob(digest);
      if (here === undefined) throw unknownBlob(this.#source, digest);
      return here;
    }
    return {
      digest,
      size,
      content: undefined,
      open: async () => {
        throw new Error('a HEAD has no content');
      },
      redirect: async () => undefined,
    };
  }

  #fill(digest: Digest): Promise<Fill> {
    const { client, upstreamName: repository } = this.#source;
    const { fills, sizes } = this.#parts;
    return fills.get({
      client,
      repository,
      stored: this.#source.stored,
      digest,
      expectedSize: sizes.get(digest),
    });
  }
}

function answerOf(digest: Digest, fill: Fill): BlobAnswer {
  return {
    digest,
    size: fill.size,
    content: undefined,
    open: async (range, signal) =>
      fill.read(range ?? { start: 0, end: (fill.size ?? Number.POSITIVE_INFINITY) - 1 }, signal),
    redirect: async () => undefined,
  };
}
