import { mapBounded } from '../bounded.ts';
import type { Key } from '../driver.ts';
import { BucketWriter, orLost } from './bucket-writer.ts';
import { copyParts, type Rest, type StoredObject } from './copies.ts';
import type { KnownState, Lease } from './lease.ts';
import { completeProven, placeAlone } from './multipart-commit.ts';
import { openReader } from './object-reader.ts';
import { statObject } from './object-stat.ts';
import { PartAssembler } from './part-assembler.ts';
import {
  partCount,
  partKey,
  partKeys,
  type Segment,
  type SessionState,
  sizeOf,
  type Tail,
  withSegment,
} from './session-state.ts';
import { INLINE_TAIL, inlineTail, TailObjects } from './tail-objects.ts';
import type { UploadContext } from './upload-context.ts';

export interface HeldUpload {
  readonly lease: Lease;
  /** Is called once, with the state as it was given back, if it was. */
  readonly onEnd: (known?: KnownState) => void;
}

/**
 * Writes an upload whose digest is not known yet: parts are objects in its folder, which can be read and hashed
 * again; the server copies them together at the commit.
 */
export class SessionWriter extends BucketWriter {
  protected readonly keeps = true;
  readonly #lease: Lease;
  /** The state when this writer took the upload. */
  readonly #begin: SessionState;
  /** Sizes of this writer's parts that arrived, by index. */
  readonly #arrived: ReadonlyMap<number, number>;

  constructor(context: UploadContext, folder: string, { lease, onEnd }: HeldUpload) {
    const begin = lease.state;
    const { epoch, segments, tail } = begin;
    const before = partCount(segments);
    const arrived = new Map<number, number>();
    const tails = new TailObjects(context.objects, folder, begin);
    const assembler = new PartAssembler(
      {
        buffers: context.buffers,
        partSize: (index) => context.partSize(before + index),
        send: async (index, content) => {
          await context.objects.put(partKey(folder, epoch, index), content);
          arrived.set(index, content.size);
        },
        keep: async (content) => {
          const behind = assembler.partsBegun;
          const kept = await tails.write(content);
          // So that it counts when this process dies.
          context.later(lease.update((state) => this.#withProgress(state, { tail: kept.tail, behind })));
          return kept;
        },
      },
      tail === null ? undefined : tails.read(tail),
    );
    super({ context, folder, tails, assembler, size: sizeOf(begin), onEnd });
    this.#begin = begin;
    this.#lease = lease;
    this.#arrived = arrived;
  }

  async *content(): AsyncGenerator<Uint8Array> {
    const { assembler, context } = this.parts;
    await assembler.settle();
    try {
      for (const key of this.partKeys()) yield* (await openReader(context.objects, key)).chunks();
      yield* assembler.readRest();
    } catch (error) {
      throw orLost(error);
    }
  }

  protected held(): Lease {
    return this.#lease;
  }

  protected partKeys(): readonly string[] {
    return partKeys(this.parts.folder, this.#segments());
  }

  protected async putInPlace(key: Key, rest: Rest): Promise<void> {
    const { objects, copies } = this.parts.context;
    const parts = this.partKeys();
    await this.#lease.confirm();
    if (parts.length > 0 || ('key' in rest && rest.size > copies.threshold)) {
      await this.#copyTogether(key, parts, rest);
    } else {
      await placeAlone(objects, key, rest);
    }
  }

  protected async leave(): Promise<void> {}

  protected async giveBack({ failed }: { readonly failed: boolean }): Promise<void> {
    if (failed) {
      const tail = this.#arrivedCount() === 0 ? this.#begin.tail : null;
      await this.#lease.update((state) => ({ ...this.#released(state, tail), others: null }));
      return;
    }
    const { context, tails } = this.parts;
    const tail = await this.#lastTail();
    await this.#lease.update((state) => this.#released(state, tail));
    for (const key of tails.keysBut(tail)) context.later(context.objects.delete(key));
  }

  async #copyTogether(key: Key, keys: readonly string[], rest: Rest): Promise<void> {
    const { context } = this.parts;
    const { multiparts, copies, later } = context;
    const stored = await this.#sizesOf(keys);
    const sources = copyParts('key' in rest ? [...stored, rest] : stored, copies);
    await this.#lease.update((state) => ({ ...state, target: { key, uploadId: null } }));
    const upload = await multiparts.create(key);
    try {
      await this.#lease.update((state) => ({ ...state, target: { key, uploadId: upload.id } }));
      const parts = await mapBounded([...sources.entries()], copies.atOnce, ([index, source]) =>
        multiparts.copy(upload, index + 1, source),
      );
      if (!('key' in rest) && rest.size > 0) {
        parts.push(await multiparts.send(upload, parts.length + 1, rest));
      }
      await this.#lease.confirm();
      await completeProven(context, upload, { parts, size: this.size });
    } catch (error) {
      later(multiparts.abort(upload));
      throw error;
    }
  }

  /** The sizes count only where a part may be larger than what is copied whole; then they are asked for. */
  async #sizesOf(keys: readonly string[]): Promise<readonly StoredObject[]> {
    const { objects, copies } = this.parts.context;
    const known = this.#segments().every(({ bytes, count }) => bytes <= count * copies.threshold);
    if (known) return keys.map((key) => ({ key, size: 0 }));
    return mapBounded(keys, copies.atOnce, async (key) => ({
      key,
      size: (await statObject(objects, key)).size,
    }));
  }

  /** Parts that arrived without a gap. */
  #arrivedCount(): number {
    let count = 0;
    while (this.#arrived.has(count)) count += 1;
    return count;
  }

  #segments(): readonly Segment[] {
    const count = this.#arrivedCount();
    let bytes = 0;
    for (let index = 0; index < count; index += 1) bytes += this.#arrived.get(index) ?? 0;
    return withSegment(this.#begin.segments, { epoch: this.#begin.epoch, count, bytes });
  }

  /** @param how `tail` lies behind so many parts; with one more it is in that, and counts no longer */
  #withProgress(
    state: SessionState,
    { tail, behind }: { readonly tail: Tail; readonly behind: number },
  ): SessionState {
    return this.#arrivedCount() === behind ? { ...state, segments: this.#segments(), tail } : state;
  }

  #released(state: SessionState, tail: Tail | null): SessionState {
    return { ...state, holder: null, segments: this.#segments(), tail, target: null };
  }

  async #lastTail(): Promise<Tail | null> {
    if (this.size === sizeOf(this.#begin)) return this.#begin.tail;
    const rest = await this.parts.assembler.rest();
    if (rest.size === 0) return null;
    return rest.size <= INLINE_TAIL ? inlineTail(rest) : (await this.parts.tails.write(rest)).tail;
  }
}
