import type { ByteRange } from '../../oci/byte-range.ts';
import type { Digest } from '../../oci/digest.ts';
import type { BlobAnswer, ReadRequest } from '../../oci/repository-reader.ts';
import { BlobBeingDeletedError } from '../../storage/linking.ts';
import { KeyNotFoundError, StorageFullError, StorageUnavailableError } from '../../storage/storage-errors.ts';
import type { Fill, RunningFill } from '../fill/fill.ts';
import { loggedReason } from '../logged-reason.ts';
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
      if (await this.#linkOfOthers(digest)) {
        const linked = await this.#storedBlob(digest);
        if (linked !== undefined) return linked;
      }
      return method === 'HEAD'
        ? await this.#headBlob(digest)
        : answerOf(this.#source, digest, await this.#fill(digest));
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
      if (!(await this.#linkOfOthers(digest))) await (await this.#fill(digest)).kept;
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
   * Links bytes that are here for another repository, once the upstream has said that this one has them too.
   * @returns false when there are none
   */
  async #linkOfOthers(digest: Digest): Promise<boolean> {
    const { storage, fills } = this.#parts;
    const { client, upstreamName, stored } = this.#source;
    if (fills.find(client, digest) !== undefined) return false;
    try {
      await storage.contents.sizeInStorage(digest);
      // A fill may have ended since somebody looked.
      if ((await storage.layers.find(stored, digest)) !== undefined) return true;
      await client.headBlob({ repository: upstreamName, digest });
      await this.#link(digest);
      return true;
    } catch (error) {
      // What is being deleted at this moment is as good as gone.
      if (error instanceof KeyNotFoundError || error instanceof BlobBeingDeletedError) return false;
      // Where no link can be written they are fetched as well, which needs none.
      if (error instanceof StorageFullError || error instanceof StorageUnavailableError) return false;
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
    const { client, upstreamName, stored } = this.#source;
    const { fills, sizes } = this.#parts;
    const isFilling = fills.find(client, digest)?.stored === stored;
    const told = isFilling ? undefined : await client.headBlob({ repository: upstreamName, digest });
    const size = told ?? sizes.get(stored, digest);
    if (size === undefined) {
      const fill = await this.#fill(digest);
      if (fill.size !== undefined) return answerOf(this.#source, digest, fill);
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

  /**
   * Begins a fill, or joins the one that is under way; that of another repository only once the upstream has said
   * that this one has the blob too, and it is linked here then.
   */
  async #fill(digest: Digest): Promise<Fill> {
    const { client, upstreamName: repository, stored } = this.#source;
    const { fills, sizes } = this.#parts;
    for (;;) {
      const running = fills.find(client, digest);
      if (running === undefined || running.stored === stored) {
        return await fills.get({
          client,
          repository,
          stored,
          digest,
          expectedSize: sizes.get(stored, digest),
        });
      }
      const fill = await begunElsewhere(running);
      if (fill === undefined) continue;
      await client.headBlob({ repository, digest });
      const kept = fill.kept.then(() => this.#link(digest));
      kept.catch((error: unknown) => {
        this.#parts.log.warn(
          { repository: stored, digest, ...loggedReason(error) },
          'a blob could not be linked',
        );
      });
      return { ...fill, kept };
    }
  }
}

/** The fill of another repository; undefined where it cannot begin, which says nothing about this one. */
async function begunElsewhere({ begun }: RunningFill): Promise<Fill | undefined> {
  try {
    return await begun;
  } catch (error) {
    if (error instanceof UpstreamError) return undefined;
    throw error;
  }
}

function answerOf(source: MirroredSource, digest: Digest, fill: Fill): BlobAnswer {
  const whole = { start: 0, end: (fill.size ?? Number.POSITIVE_INFINITY) - 1 };
  return {
    digest,
    size: fill.size,
    content: undefined,
    open: async (range, signal) => toldOf(source, fill.read(range ?? whole, signal)),
    redirect: async () => undefined,
  };
}

/** The chunks; before the first one a client can still be told what the upstream did. */
async function* toldOf(
  source: MirroredSource,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw toldError(error, { source, method: 'GET', wanted: 'blob' });
  }
}
