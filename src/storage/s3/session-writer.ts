import { mapBounded } from '../bounded.ts';
import type { Key, UploadWriter } from '../driver.ts';
import { UploadLostError } from '../storage-errors.ts';
import { keysBelow } from './folder-delete.ts';
import type { KnownState, Lease } from './lease.ts';
import { completeProven } from './multipart-commit.ts';
import { openReader } from './object-reader.ts';
import type { Content } from './objects.ts';
import { PartAssembler } from './part-assembler.ts';
import {
  lockKey,
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
import { deleteUpload } from './upload-end.ts';

const nothing = (): undefined => undefined;

export interface HeldUpload {
  readonly lease: Lease;
  /** Is called once, with the state as it was given back, if it was. */
  readonly onEnd: (known?: KnownState) => void;
}

/**
 * Writes an upload whose digest is not known yet: parts are objects in its folder, which can be read and hashed
 * again; the server copies them together at the commit.
 */
export class SessionWriter implements UploadWriter {
  readonly #context: UploadContext;
  readonly #folder: string;
  readonly #held: HeldUpload;
  /** The state when this writer took the upload. */
  readonly #begin: SessionState;
  readonly #tails: TailObjects;
  readonly #assembler: PartAssembler;
  /** Sizes of this writer's parts that arrived, by index. */
  readonly #arrived = new Map<number, number>();
  #size: number;
  #appended = false;
  #failed = false;
  #ended = false;

  constructor(context: UploadContext, folder: string, held: HeldUpload) {
    this.#context = context;
    this.#folder = folder;
    this.#held = held;
    const begin = held.lease.state;
    const { epoch, segments, tail } = begin;
    const before = partCount(segments);
    this.#begin = begin;
    this.#size = sizeOf(begin);
    this.#tails = new TailObjects(context.objects, folder, epoch);
    this.#assembler = new PartAssembler(
      {
        buffers: context.buffers,
        partSize: (index) => context.partSize(before + index),
        send: async (index, content) => {
          await context.objects.put(partKey(folder, epoch, index), content);
          this.#arrived.set(index, content.size);
        },
        keep: async (content) => {
          const kept = await this.#tails.write(content);
          // So that it counts when this process dies.
          context.later(held.lease.update((state) => this.#withProgress(state, kept.tail)));
          return kept;
        },
      },
      tail === null ? undefined : this.#tails.read(tail),
    );
  }

  get size(): number {
    return this.#size;
  }

  async append(chunk: Uint8Array): Promise<void> {
    if (this.#held.lease.lost) throw new UploadLostError();
    this.#appended = true;
    await this.#noteFailure(this.#assembler.append(chunk));
    this.#size += chunk.byteLength;
  }

  async *content(): AsyncGenerator<Uint8Array> {
    await this.#assembler.settle();
    for (const key of partKeys(this.#folder, this.#segments())) {
      yield* (await openReader(this.#context.objects, key)).chunks();
    }
    yield* this.#assembler.readRest();
  }

  commit(key: Key): Promise<void> {
    return this.#noteFailure(this.#commit(key));
  }

  async #commit(key: Key): Promise<void> {
    const { caller, objects } = this.#context;
    await this.#assembler.settle();
    const rest = await this.#assembler.rest();
    const segments = this.#segments();
    await this.#held.lease.confirm();
    const keys = keysBelow(caller, this.#folder);
    if (partCount(segments) === 0) await Promise.all([objects.put(key, rest), keys]);
    else await Promise.all([this.#copyTogether(key, segments, rest), keys]);
    await this.#end(await keys);
  }

  async drop(): Promise<void> {
    const dropping = this.#drop();
    // The client has waited long enough when something failed before.
    if (this.#failed) this.#context.later(dropping);
    else await this.#noteFailure(dropping);
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const { lease, onEnd } = this.#held;
    // Who appended, and had no error for it so far, would take what did not arrive for kept.
    const unheard = this.#appended && !this.#failed;
    let known: KnownState | undefined;
    try {
      if (lease.lost) throw new UploadLostError();
      const failure = await this.#assembler.settle().then(nothing, (error: unknown) => ({ error }));
      if (this.#failed || failure !== undefined) {
        // What arrived counts, whether this is heard or not.
        const tail = this.#arrivedCount() === 0 ? this.#begin.tail : null;
        this.#context.later(lease.update((state) => this.#released(state, tail)));
        if (unheard && failure !== undefined) throw failure.error;
        return;
      }
      const tail = await this.#lastTail();
      await lease.update((state) => this.#released(state, tail));
      known = lease.known;
      this.#deleteOldTails(tail);
    } catch (error) {
      if (unheard || !(error instanceof UploadLostError)) throw error;
    } finally {
      await this.#assembler.release();
      this.#context.later(lease.stop());
      onEnd(known);
    }
  }

  async #noteFailure<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  async #drop(): Promise<void> {
    await this.#held.lease.confirm();
    await this.#assembler.settle().catch(() => {});
    await this.#end(await keysBelow(this.#context.caller, this.#folder));
  }

  async #copyTogether(key: Key, segments: readonly Segment[], rest: Content): Promise<void> {
    const { multiparts, copiesAtOnce, later } = this.#context;
    const { lease } = this.#held;
    await lease.update((state) => ({ ...state, target: { key, uploadId: null } }));
    const upload = await multiparts.create(key);
    try {
      await lease.update((state) => ({ ...state, target: { key, uploadId: upload.id } }));
      const sources = [...partKeys(this.#folder, segments).entries()];
      const parts = await mapBounded(sources, copiesAtOnce, ([index, source]) =>
        multiparts.copy(upload, index + 1, source),
      );
      if (rest.size > 0) parts.push(await multiparts.send(upload, parts.length + 1, rest));
      await lease.confirm();
      await completeProven(this.#context, upload, { parts, size: this.#size });
    } catch (error) {
      later(multiparts.abort(upload));
      throw error;
    }
  }

  async #end(keys: readonly string[]): Promise<void> {
    const { lease, onEnd } = this.#held;
    const { target } = lease.state;
    await lease.stop();
    await deleteUpload(this.#context, [...new Set([...keys, lockKey(this.#folder)])]);
    if (target !== null && target.uploadId !== null) {
      this.#context.later(this.#context.multiparts.abort({ key: target.key, id: target.uploadId }));
    }
    this.#ended = true;
    await this.#assembler.release();
    onEnd();
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

  /** @param tail lies behind the last part that was begun */
  #withProgress(state: SessionState, tail: Tail): SessionState {
    const all = this.#arrivedCount() === this.#assembler.partsBegun;
    return all ? { ...state, segments: this.#segments(), tail } : state;
  }

  #released(state: SessionState, tail: Tail | null): SessionState {
    return { ...state, holder: null, segments: this.#segments(), tail, target: null };
  }

  async #lastTail(): Promise<Tail | null> {
    if (!this.#appended) return this.#begin.tail;
    const rest = await this.#assembler.rest();
    if (rest.size === 0) return null;
    return rest.size <= INLINE_TAIL ? inlineTail(rest) : (await this.#tails.write(rest)).tail;
  }

  #deleteOldTails(current: Tail | null): void {
    const { tail } = this.#begin;
    const before = tail?.kind === 'object' ? [tail.name] : [];
    const old = [...before.map((name) => `${this.#folder}/${name}`), ...this.#tails.keys].filter(
      (key) => current?.kind !== 'object' || key !== `${this.#folder}/${current.name}`,
    );
    for (const key of old) this.#context.later(this.#context.objects.delete(key));
  }
}
