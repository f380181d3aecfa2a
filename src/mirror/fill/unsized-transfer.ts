import { setTimeout as delay } from 'node:timers/promises';
import type { Digest } from '../../oci/digest.ts';
import type { BlobAnswer } from '../upstream/blob-requests.ts';
import type { UpstreamClient } from '../upstream/upstream-client.ts';
import {
  UpstreamError,
  UpstreamNotFound,
  UpstreamSlow,
  UpstreamUnreachable,
  UpstreamWrong,
} from '../upstream/upstream-errors.ts';
import type { UpstreamUrl } from '../upstream/upstream-url.ts';
import { clip, lengthOf } from './chunks.ts';
import type { GrowingBlob } from './growing-blob.ts';
import { Landings } from './landings.ts';
import { pauseAfter, type TransferLimits } from './transfer-limits.ts';

/** Bytes that may wait to be written. */
const UNWRITTEN = 2 * 1024 * 1024;

export interface UnsizedTransferParts {
  readonly client: UpstreamClient;
  /** The name upstream. */
  readonly repository: string;
  readonly digest: Digest;
  readonly blob: GrowingBlob;
  readonly limits: Pick<TransferLimits, 'giveUpAfter' | 'largestUnsized' | 'tries' | 'pause'>;
  /** Milliseconds. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/**
 * Fetches a blob whose size nobody tells, over one connection: its end is where a whole answer ends, and the digest
 * is what proves that.
 */
export class UnsizedTransfer {
  /** Who sent bytes. */
  readonly contributors = new Set<UpstreamUrl>();
  readonly #parts: UnsizedTransferParts;
  /** Whether what is missing may be asked for by range. */
  #ranges = true;

  constructor(parts: UnsizedTransferParts) {
    this.#parts = parts;
  }

  /**
   * @param first an answer that is here already
   * @throws UpstreamError when it is given up; what the storage threw
   */
  async run(first: BlobAnswer): Promise<void> {
    const { blob, limits, now, signal } = this.#parts;
    let answer: BlobAnswer | undefined = first;
    let lastByte = now();
    for (let tries = 0; ; tries++) {
      const before = blob.landedBytes;
      try {
        await this.#receive(answer ?? (await this.#ask()));
        blob.endHere();
        return;
      } catch (error) {
        if (!(error instanceof UpstreamError) || error instanceof UpstreamNotFound) throw error;
        if (blob.landedBytes > limits.largestUnsized) throw error;
        if (error instanceof UpstreamWrong) this.#ranges = false;
        if (blob.landedBytes > before) {
          tries = 0;
          lastByte = now();
        }
        if (tries >= limits.tries || now() - lastByte >= limits.giveUpAfter) throw error;
      }
      answer = undefined;
      await delay(pauseAfter(limits, tries), undefined, { signal });
    }
  }

  async #ask(): Promise<BlobAnswer> {
    const { client, repository, digest, blob, signal } = this.#parts;
    const start = blob.landedBytes;
    const range = this.#ranges && start > 0 ? { start } : undefined;
    return await client.getBlob({ repository, digest, signal, range, insist: true });
  }

  async #receive({ body, carried, total, from }: BlobAnswer): Promise<void> {
    const { blob, limits, signal } = this.#parts;
    try {
      const landings = new Landings(() => UNWRITTEN);
      let at = carried?.start ?? 0;
      for (;;) {
        const lent = await body.read();
        if (lent === undefined) break;
        const offset = blob.landedBytes;
        const wanted = clip(lent.chunks, { at, from: offset, to: Number.POSITIVE_INFINITY });
        at += lengthOf(lent.chunks);
        if (wanted.length === 0) {
          lent.letGo();
          continue;
        }
        this.contributors.add(from);
        const landing = blob.land({ chunks: wanted, letGo: lent.letGo }, offset);
        await landings.add(landing, lengthOf(wanted));
        if (blob.landedBytes > limits.largestUnsized) {
          throw new UpstreamWrong(from.where, 'sends more than can be right');
        }
      }
      await landings.settled();
      if (total !== undefined && at !== total) {
        throw new UpstreamUnreachable(from.where, 'ended a blob before its end');
      }
      if (at < blob.landedBytes) throw new UpstreamSlow(from.where, 'sent less of a blob than before');
    } catch (error) {
      throw from.bodyError(error, signal);
    } finally {
      body.abort();
    }
  }
}
