import { setTimeout as delay } from 'node:timers/promises';
import type { ByteRange } from '../../oci/byte-range.ts';
import type { Digest } from '../../oci/digest.ts';
import type { HasherPool } from '../../storage/content-hasher.ts';
import type { BlobAnswer } from '../upstream/blob-requests.ts';
import type { UpstreamClient } from '../upstream/upstream-client.ts';
import {
  UpstreamError,
  UpstreamNotFound,
  UpstreamUnreachable,
  UpstreamWrong,
} from '../upstream/upstream-errors.ts';
import type { UpstreamUrl } from '../upstream/upstream-url.ts';
import { clip, lengthOf } from './chunks.ts';
import { type HashedPrefix, PassProof } from './pass-proof.ts';
import type { SourceTrust } from './source-trust.ts';
import { pauseAfter, type TransferLimits } from './transfer-limits.ts';
import { mustBeSameBlob, OtherBlobError } from './transfer-sources.ts';
import type { Turns } from './turns.ts';

export interface PassThroughParts {
  readonly client: UpstreamClient;
  /** The name upstream. */
  readonly repository: string;
  readonly digest: Digest;
  /** Bytes; undefined where nobody tells. */
  readonly size: number | undefined;
  readonly hashers: HasherPool;
  readonly trust: SourceTrust<UpstreamUrl>;
  readonly passes: Turns;
  readonly limits: Pick<TransferLimits, 'giveUpAfter' | 'largestUnsized' | 'tries' | 'pause'>;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  /** Aborted when the server ends. */
  readonly closing: AbortSignal;
}

/** What one reader gets. */
export interface PassedRange {
  readonly range: ByteRange;
  /** What the reader has of the blob already was part of this: the proof is of that too. */
  readonly before?: HashedPrefix | undefined;
  readonly signal: AbortSignal;
}

/**
 * A blob straight from the upstream to one reader, without being kept, at the reader's pace: nothing more is taken
 * from the connection than it asks for. A range that reaches the last byte is fetched from the first byte on, since
 * the digest is of all of it, and what lies before the range is dropped; any other is asked for as it is.
 * @throws UpstreamError when it is given up or the digest is wrong, the last byte held back; a signal's reason
 */
export async function* passThrough(
  parts: PassThroughParts,
  { range, before, signal }: PassedRange,
): AsyncGenerator<Uint8Array, void> {
  const { size } = parts;
  if (size !== undefined && range.end < size - 1) {
    const source = new PassedBytes(parts, { start: range.start, end: range.end + 1, signal });
    yield* source.read();
    return;
  }
  using proof = new PassProof(parts, before);
  const source = new PassedBytes(parts, { start: 0, end: size ?? Number.POSITIVE_INFINITY, signal });
  const wanted = { from: range.start, to: range.end + 1 };
  let at = 0;
  /** What may be the last byte. */
  let heldBack: Buffer[] = [];
  for await (const chunk of source.read()) {
    await proof.take(chunk);
    yield* heldBack;
    const end = at + chunk.length;
    const last = size === undefined || end === size ? end - 1 : end;
    yield* clip([chunk], { at, from: wanted.from, to: Math.min(wanted.to, last) });
    heldBack = clip([chunk], { at, from: Math.max(wanted.from, last), to: wanted.to }).map((byte) =>
      Buffer.from(byte),
    );
    at = end;
  }
  const senders = [...source.contributors].map(({ where }) => where).join(', ');
  await proof.check(source.contributors, senders || parts.client.name);
  yield* heldBack;
}

/** Bytes of a blob in order, resumed where they are cut. */
class PassedBytes {
  /** Who sent bytes. */
  readonly contributors = new Set<UpstreamUrl>();
  readonly #parts: PassThroughParts;
  readonly #end: number;
  readonly #signal: AbortSignal;
  #at: number;
  /** Whether what is missing may be asked for by range. */
  #ranges = true;

  /** @param wanted `end` is behind the last byte, `Infinity` for whatever the last is */
  constructor(
    parts: PassThroughParts,
    { start, end, signal }: { readonly start: number; readonly end: number; readonly signal: AbortSignal },
  ) {
    this.#parts = parts;
    this.#at = start;
    this.#end = end;
    this.#signal = AbortSignal.any([signal, parts.closing]);
  }

  /** A chunk is valid until the next one is asked for. */
  async *read(): AsyncGenerator<Buffer, void> {
    const giveBack = await this.#parts.passes.take(this.#signal);
    try {
      yield* this.#resumed();
    } finally {
      giveBack();
    }
  }

  async *#resumed(): AsyncGenerator<Buffer, void> {
    const { limits, now } = this.#parts;
    let since = now();
    for (let tries = 0; ; tries++) {
      const before = this.#at;
      try {
        yield* this.#receive(await this.#ask());
        return;
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        if (error instanceof UpstreamNotFound || error instanceof OtherBlobError) throw error;
        if (error instanceof UpstreamWrong) this.#ranges = false;
        if (this.#at > before) {
          tries = 0;
          since = now();
        }
        if (tries >= limits.tries || now() - since >= limits.giveUpAfter) throw error;
      }
      await delay(pauseAfter(limits, tries), undefined, { signal: this.#signal });
    }
  }

  async #ask(): Promise<BlobAnswer> {
    const { client, repository, digest, size, trust } = this.#parts;
    const among = trust.order(client.byHealth());
    const whole = this.#at === 0 && this.#end === (size ?? Number.POSITIVE_INFINITY);
    const end = this.#end === Number.POSITIVE_INFINITY ? undefined : this.#end - 1;
    const range = whole || !this.#ranges ? undefined : { start: this.#at, end };
    return await client.getBlob({ repository, digest, among, range, signal: this.#signal, insist: true });
  }

  async *#receive({ body, carried, total, from }: BlobAnswer): AsyncGenerator<Buffer, void> {
    const { size, limits } = this.#parts;
    try {
      if (size !== undefined) mustBeSameBlob(from, { total, size });
      let at = carried?.start ?? 0;
      while (this.#at < this.#end) {
        const lent = await body.read();
        if (lent === undefined) break;
        try {
          const wanted = clip(lent.chunks, { at, from: this.#at, to: this.#end });
          at += lengthOf(lent.chunks);
          for (const chunk of wanted) {
            this.contributors.add(from);
            this.#at += chunk.length;
            yield chunk;
          }
        } finally {
          lent.letGo();
        }
        if (size === undefined && this.#at > limits.largestUnsized)
          throw new OtherBlobError(from.where, 'sends more than can be right');
      }
      const end = size === undefined ? (total ?? this.#at) : this.#end;
      if (this.#at < end || (size === undefined && at < this.#at))
        throw new UpstreamUnreachable(from.where, 'ended a blob before its end');
      // Its end is on its way: the connection can be used again then.
      if (carried !== undefined && at === carried.end + 1) await body.read();
    } catch (error) {
      throw from.bodyError(error, this.#signal);
    } finally {
      body.abort();
    }
  }
}
