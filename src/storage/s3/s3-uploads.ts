import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type {
  BeginUploadOptions,
  CreateUploadOptions,
  Key,
  OpenUploadOptions,
  UploadStore,
  UploadWriter,
} from '../driver.ts';
import { OwnWriters } from '../own-writers.ts';
import { UploadBusyError } from '../storage-errors.ts';
import type { BucketWriter } from './bucket-writer.ts';
import { DirectWriter } from './direct-writer.ts';
import { type KnownState, Lease, readState } from './lease.ts';
import { listAll } from './listing.ts';
import { contentOf } from './objects.ts';
import {
  EMPTY_STATE,
  epochPrefix,
  formatState,
  lockKey,
  partKey,
  type SessionState,
  sizeOf,
  withSegment,
} from './session-state.ts';
import { SessionWriter } from './session-writer.ts';
import type { UploadContext } from './upload-context.ts';

/**
 * Bytes of the states that are remembered after their uploads were given back: the next request often comes here
 * again. Where it goes to another process nobody asks for them any more.
 */
const REMEMBERED = 4 * 1024 * 1024;

/** A state without tail and parts. */
const LEAST_STATE = 512;

const bytesOf = ({ state: { tail, segments } }: KnownState): number =>
  LEAST_STATE + 64 * segments.length + (tail?.kind === 'inline' ? tail.content.length : 0);

/** Uploads in the bucket; `session-state.ts` draws what lies in the folder of one. */
export class S3Uploads implements UploadStore {
  readonly #context: UploadContext;
  readonly #process = randomUUID();
  readonly #own = new OwnWriters<BucketWriter>();
  readonly #known = new LRUCache<Key, KnownState>({ maxSize: REMEMBERED, sizeCalculation: bytesOf });
  #writers = 0;

  constructor(context: UploadContext) {
    this.#context = context;
  }

  async begin(folder: Key, { beside }: BeginUploadOptions): Promise<void> {
    const state: SessionState = { ...EMPTY_STATE, others: beside };
    const etag = await this.#context.objects.put(lockKey(folder), contentOf(formatState(state)));
    this.#known.set(folder, { state, etag });
  }

  create(folder: Key, { target, unshared }: CreateUploadOptions = {}): Promise<UploadWriter> {
    return this.#own.enter(folder, async () => {
      const first: SessionState = {
        ...EMPTY_STATE,
        epoch: 1,
        holder: this.#newHolder(),
        target: target === undefined ? null : { key: target, uploadId: null },
        others: unshared === true ? [] : null,
      };
      const take = (): Promise<Lease> =>
        Lease.take(this.#context, folder, { before: undefined, state: first });
      if (target !== undefined && unshared === true) return this.#direct(folder, target, take);
      const lease = await take();
      return this.#writer(folder, lease, target);
    });
  }

  open(folder: Key, { target, signal }: OpenUploadOptions = {}): Promise<UploadWriter> {
    return this.#own.enter(folder, async () => {
      const lease =
        (await this.#takeRemembered(folder, target)) ?? (await this.#take(folder, target, signal));
      return this.#writer(folder, lease, target);
    });
  }

  async size(folder: Key): Promise<number> {
    const writer = this.#own.get(folder);
    if (writer?.sure === true) return writer.size;
    const { state } = await readState(this.#context.objects, folder);
    return sizeOf(state.holder === null ? state : await this.#recovered(folder, state));
  }

  async #takeRemembered(folder: Key, target: Key | undefined): Promise<Lease | undefined> {
    const before = this.#known.get(folder);
    if (before === undefined) return undefined;
    this.#known.delete(folder);
    try {
      return await this.#takeOver(folder, before, target);
    } catch (error) {
      // Another process had it since.
      if (error instanceof UploadBusyError) return undefined;
      throw error;
    }
  }

  async #take(folder: Key, target: Key | undefined, signal: AbortSignal | undefined): Promise<Lease> {
    let before = await readState(this.#context.objects, folder);
    const { holder } = before.state;
    if (holder !== null && !this.#isOurs(holder)) before = await this.#verdict(folder, before, signal);
    return this.#takeOver(folder, before, target);
  }

  /**
   * Watches another process's lease.
   * @returns the state to take over: given back meanwhile, or without a sign of life for the time of a verdict
   */
  async #verdict(folder: Key, known: KnownState, signal: AbortSignal | undefined): Promise<KnownState> {
    const { verdict, watch } = this.#context.timing;
    const end = performance.now() + verdict;
    while (performance.now() < end) {
      await sleep(watch, undefined, signal === undefined ? {} : { signal });
      const now = await readState(this.#context.objects, folder);
      if (now.state.holder === null) return now;
      if (now.etag !== known.etag) throw new UploadBusyError();
    }
    return known;
  }

  async #takeOver(folder: Key, before: KnownState, target: Key | undefined): Promise<Lease> {
    const { state: old } = before;
    const state = old.holder === null ? old : await this.#recovered(folder, old);
    const aim = target !== undefined && sizeOf(state) === 0 ? { key: target, uploadId: null } : null;
    const lease = await Lease.take(this.#context, folder, {
      before,
      state: {
        ...state,
        epoch: state.epoch + 1,
        holder: this.#newHolder(),
        beat: state.beat + 1,
        target: aim,
        // Who died may have left what its state did not tell.
        others: old.holder === null ? old.others : null,
      },
    });
    if (old.target !== null && old.target.uploadId !== null) {
      const { key, uploadId: id } = old.target;
      this.#context.later(this.#context.multiparts.abort({ key, id }));
    }
    return lease;
  }

  /** What a holder that did not give it back had written: its parts without a gap, else the tail it began with. */
  async #recovered(folder: Key, state: SessionState): Promise<SessionState> {
    const { epoch } = state;
    let count = 0;
    let bytes = 0;
    for await (const object of listAll(this.#context.caller, { prefix: epochPrefix(folder, epoch) })) {
      if (object.key !== partKey(folder, epoch, count)) break;
      count += 1;
      bytes += object.size;
    }
    const told = state.segments.find((segment) => segment.epoch === epoch)?.count ?? 0;
    return {
      ...state,
      segments: withSegment(state.segments, { epoch, count, bytes }),
      tail: count > told ? null : state.tail,
    };
  }

  #writer(folder: Key, lease: Lease, target: Key | undefined): BucketWriter {
    if (target !== undefined && sizeOf(lease.state) === 0) {
      return this.#direct(folder, target, async () => lease, lease);
    }
    return new SessionWriter(this.#context, folder, { lease, onEnd: this.#onEnd(folder) });
  }

  #direct(folder: Key, target: Key, take: () => Promise<Lease>, taken?: Lease): BucketWriter {
    let held = taken;
    return new DirectWriter(this.#context, folder, {
      target,
      lease: async () => {
        held ??= await take();
        return held;
      },
      held: () => held,
      onEnd: this.#onEnd(folder),
    });
  }

  #onEnd(folder: Key): (known?: KnownState) => void {
    return (known) => {
      this.#own.left(folder);
      if (known !== undefined) this.#known.set(folder, known);
    };
  }

  #newHolder(): string {
    this.#writers += 1;
    return `${this.#process}/${this.#writers}`;
  }

  /** A writer of this process that is not in its list has ended without giving the upload back. */
  #isOurs(holder: string): boolean {
    return holder.startsWith(`${this.#process}/`);
  }
}
