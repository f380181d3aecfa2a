import { KeyNotFoundError, UploadBusyError, UploadLostError } from '../storage-errors.ts';
import { ExpectedFailure } from './caller.ts';
import { contentOf, type Objects, readWhole } from './objects.ts';
import type { S3Timing } from './s3-options.ts';
import { formatState, lockKey, parseState, type SessionState } from './session-state.ts';

/** The state of an upload as it was read, with what a conditional write needs. */
export interface KnownState {
  readonly state: SessionState;
  readonly etag: string;
}

/** Does something again and again until the function it gives is called. */
export type Every = (milliseconds: number, work: () => void) => () => void;

export interface LeaseContext {
  readonly objects: Objects;
  readonly timing: S3Timing;
  readonly every: Every;
}

/** @throws KeyNotFoundError when there is no upload in the folder */
export async function readState(objects: Objects, folder: string): Promise<KnownState> {
  const key = lockKey(folder);
  const { content, etag } = await readWhole(objects, key);
  return { state: parseState(content, key), etag };
}

/**
 * An upload's state, held by one writer. Each write of it is conditional on the one before, so it is also the sign
 * of life that others watch, and who was taken for dead finds out with the next one.
 */
export class Lease {
  readonly #context: LeaseContext;
  readonly #folder: string;
  #known: KnownState;
  /** When the last write that succeeded was sent. */
  #confirmedAt: number;
  #lost = false;
  #last: Promise<unknown> = Promise.resolve();
  /** Writes that have not ended: each is a sign of life. */
  #pending = 0;
  readonly #stopBeating: () => void;

  /**
   * Writes the state as its holder for the first time.
   * @param before what is replaced; undefined for a new upload
   * @throws UploadBusyError when somebody else was faster
   */
  static async take(
    context: LeaseContext,
    folder: string,
    { before, state }: { readonly before: KnownState | undefined; readonly state: SessionState },
  ): Promise<Lease> {
    const sentAt = performance.now();
    const condition = before === undefined ? { ifNew: true } : { ifMatch: before.etag };
    try {
      const etag = await context.objects.put(lockKey(folder), contentOf(formatState(state)), condition);
      return new Lease(context, folder, { known: { state, etag }, confirmedAt: sentAt });
    } catch (error) {
      if (!(error instanceof ExpectedFailure)) throw error;
      // A write whose answer was lost and that was tried again finds itself in its way.
      const known = error.ambiguous ? await readIfThere(context.objects, folder) : undefined;
      if (known?.state.holder !== state.holder) throw new UploadBusyError();
      return new Lease(context, folder, { known, confirmedAt: sentAt });
    }
  }

  private constructor(
    context: LeaseContext,
    folder: string,
    { known, confirmedAt }: { known: KnownState; confirmedAt: number },
  ) {
    this.#context = context;
    this.#folder = folder;
    this.#known = known;
    this.#confirmedAt = confirmedAt;
    const { heartbeat } = context.timing;
    this.#stopBeating = context.every(heartbeat, () => {
      if (this.#pending === 0 && performance.now() - this.#confirmedAt >= heartbeat / 2) this.#beat();
    });
  }

  get state(): SessionState {
    return this.#known.state;
  }

  get known(): KnownState {
    return this.#known;
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** Whether nobody can have taken the upload over a moment ago, as far as is known without asking. */
  get sure(): boolean {
    return !this.#lost && performance.now() - this.#confirmedAt < this.#context.timing.verdict / 2;
  }

  /**
   * Writes a changed state. Calls are carried out one after the other.
   * @throws UploadLostError
   */
  update(change: (state: SessionState) => SessionState): Promise<void> {
    this.#pending += 1;
    const write = this.#last
      .then(() => this.#write(change))
      .finally(() => {
        this.#pending -= 1;
      });
    this.#last = write.catch(() => {});
    return write;
  }

  /**
   * Resolves when nobody can have taken the upload over a moment ago: at once when the last sign of life is young.
   * @throws UploadLostError
   */
  async confirm(): Promise<void> {
    if (this.#lost) throw new UploadLostError();
    if (this.sure) return;
    await this.update((state) => state);
  }

  /** Ends the signs of life; resolves when the last one has arrived or failed. */
  async stop(): Promise<void> {
    this.#stopBeating();
    await this.#last;
  }

  #beat(): void {
    // A failure shows with the next write that matters.
    this.update((state) => state).catch(() => {});
  }

  async #write(change: (state: SessionState) => SessionState): Promise<void> {
    if (this.#lost) throw new UploadLostError();
    const { holder } = this.#known.state;
    const key = lockKey(this.#folder);
    for (;;) {
      const state = { ...change(this.#known.state), beat: this.#known.state.beat + 1 };
      const sentAt = performance.now();
      try {
        const etag = await this.#context.objects.put(key, contentOf(formatState(state)), {
          ifMatch: this.#known.etag,
        });
        this.#known = { state, etag };
        this.#confirmedAt = sentAt;
        return;
      } catch (error) {
        if (!(error instanceof ExpectedFailure)) throw error;
      }
      // Somebody else wrote, or we did and never heard of it.
      const found = await readIfThere(this.#context.objects, this.#folder);
      const ours = found !== undefined && (found.state.holder === holder || sameWrite(found.state, state));
      if (!ours || found.etag === this.#known.etag) {
        this.#lost = true;
        this.#stopBeating();
        throw new UploadLostError();
      }
      this.#known = found;
      this.#confirmedAt = sentAt;
      if (sameWrite(found.state, state)) return;
    }
  }
}

const sameWrite = (one: SessionState, other: SessionState): boolean =>
  one.holder === other.holder && one.beat === other.beat && one.epoch === other.epoch;

async function readIfThere(objects: Objects, folder: string): Promise<KnownState | undefined> {
  try {
    return await readState(objects, folder);
  } catch (error) {
    if (error instanceof KeyNotFoundError) return undefined;
    throw error;
  }
}
