import type { ByteRange } from '../../oci/byte-range.ts';
import type { StorageFullError } from '../../storage/storage-errors.ts';
import type { GrowingBlob } from './growing-blob.ts';
import type { HashedPrefix } from './pass-proof.ts';
import { type PassThroughParts, passThrough } from './pass-through.ts';

/** A blob is not kept, since the storage has no room: its readers go on without it. */
class NotKeptError extends Error {
  override readonly name = 'NotKeptError';
  /** What had come without a gap, as any reader may have it. */
  readonly came: HashedPrefix;

  constructor(came: HashedPrefix, options: ErrorOptions) {
    super('the storage has no room for the blob', options);
    this.came = came;
  }
}

/** @returns what readers of a blob for which there is no room are told: how to go on, where that can be proven */
export async function notKept(blob: GrowingBlob, error: StorageFullError): Promise<Error> {
  try {
    return new NotKeptError(await blob.hashedSoFar(), { cause: error });
  } catch {
    // What came cannot be read back: nobody can tell any more what the readers have.
    return error;
  }
}

/**
 * A range of a blob as it lands; where it is not kept after all, the rest from the upstream, provided that what the
 * reader has got by then can be proven with it.
 * @throws what either throws
 */
export async function* readOrPass(
  blob: GrowingBlob,
  { range, signal, passing }: { range: ByteRange; signal: AbortSignal; passing: PassThroughParts },
): AsyncGenerator<Uint8Array, void> {
  let at = range.start;
  let before: HashedPrefix | undefined;
  try {
    for await (const chunk of blob.read(range, signal)) {
      at += chunk.length;
      yield chunk;
    }
    return;
  } catch (error) {
    if (!(error instanceof NotKeptError)) throw error;
    if (at > range.start) before = error.came;
    if (before !== undefined && at > before.length) throw error;
  }
  yield* passThrough(passing, { range: { start: at, end: range.end }, before, signal });
}
