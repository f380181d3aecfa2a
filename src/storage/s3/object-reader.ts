import { type ByteRange, rangeLength } from '../../oci/byte-range.ts';
import type { ObjectReader } from '../driver.ts';
import { StorageUnavailableError } from '../storage-errors.ts';
import { chunksOf } from './large-bodies.ts';
import type { Objects, OpenObject } from './objects.ts';
import { describe } from './s3-errors.ts';

export interface OpenReaderOptions {
  readonly range?: ByteRange | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Breaks without a new byte between them after which reading is given up. */
const FRUITLESS_BREAKS = 3;

/**
 * Opens an object. A transfer that breaks is gone on with from where it stopped, in the same version of the object.
 * @throws KeyNotFoundError
 */
export async function openReader(
  objects: Objects,
  key: string,
  { range, signal }: OpenReaderOptions = {},
): Promise<ObjectReader> {
  const first = await objects.get(key, { range, signal });
  const begin = range?.start ?? 0;
  const end = begin + (range === undefined ? first.size : rangeLength(range));
  let current: OpenObject = first;

  async function* chunks(): AsyncGenerator<Uint8Array> {
    let at = begin;
    let fruitless = 0;
    try {
      for (;;) {
        let failed: unknown;
        try {
          for await (const chunk of chunksOf(current.body)) {
            at += chunk.length;
            fruitless = 0;
            yield chunk;
          }
        } catch (error) {
          failed = error;
        }
        if (at === end) return;
        signal?.throwIfAborted();
        fruitless += 1;
        if (fruitless > FRUITLESS_BREAKS) {
          throw new StorageUnavailableError(`S3 broke off while ${key} was read: ${describe(failed)}`, {
            cause: failed,
          });
        }
        current = await again(at);
      }
    } finally {
      current.body.destroy();
    }
  }

  const again = (at: number): Promise<OpenObject> =>
    objects.get(key, { range: { start: at, end: end - 1 }, ifMatch: first.etag, signal }).catch((error) => {
      signal?.throwIfAborted();
      throw new StorageUnavailableError(`S3 broke off while ${key} was read`, { cause: error });
    });

  return {
    size: first.size,
    chunks,
    async close() {
      current.body.destroy();
    },
  };
}
