import type { Key, UploadWriter } from '../driver.ts';
import { KeyNotFoundError, UploadLostError } from '../storage-errors.ts';
import type { Rest } from './copies.ts';
import { keysBelow } from './folder-delete.ts';
import type { KnownState, Lease } from './lease.ts';
import type { PartAssembler } from './part-assembler.ts';
import { lockKey } from './session-state.ts';
import type { TailObjects } from './tail-objects.ts';
import type { UploadContext } from './upload-context.ts';
import { deleteUpload } from './upload-end.ts';

const nothing = (): undefined => undefined;

/** What is missing of an upload went away with it: somebody else has ended it or goes on with it. */
export function orLost(error: unknown): unknown {
  return error instanceof KeyNotFoundError ? new UploadLostError({ cause: error }) : error;
}

export interface BucketWriterParts {
  readonly context: UploadContext;
  readonly folder: string;
  readonly tails: TailObjects;
  readonly assembler: PartAssembler;
  /** Bytes that the upload has already. */
  readonly size: number;
  /** Is called once, with the state as it was given back, if it was. */
  readonly onEnd: (known?: KnownState) => void;
}

/** What all writers of uploads in a bucket do alike: taking chunks, and the ways to end. */
export abstract class BucketWriter implements UploadWriter {
  protected readonly parts: BucketWriterParts;
  #size: number;
  #appended = false;
  #failed = false;
  #ended = false;

  constructor(parts: BucketWriterParts) {
    this.parts = parts;
    this.#size = parts.size;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether the upload is this writer's for certain; else the bucket tells whose it is, and how long. */
  get sure(): boolean {
    return this.held()?.sure !== false;
  }

  async append(chunk: Uint8Array): Promise<void> {
    if (this.held()?.lost === true) throw new UploadLostError();
    this.#appended = true;
    await this.#noteFailure(this.parts.assembler.append(chunk));
    this.#size += chunk.byteLength;
  }

  abstract content(): AsyncIterable<Uint8Array>;

  commit(key: Key): Promise<void> {
    return this.#noteFailure(this.#commit(key));
  }

  async drop(): Promise<void> {
    const dropping = this.#drop();
    // The client has waited long enough when something failed before.
    if (this.#failed) this.parts.context.later(dropping);
    else await this.#noteFailure(dropping);
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const { context, assembler, onEnd } = this.parts;
    const lease = this.held();
    // Who appended, and had no error for it so far, would take what did not arrive for kept.
    const unheard = this.keeps && this.#appended && !this.#failed;
    let known: KnownState | undefined;
    try {
      const failure = await assembler.settle().then(nothing, (error: unknown) => ({ error }));
      await this.leave();
      if (lease?.lost === true) throw new UploadLostError();
      const failed = this.#failed || failure !== undefined;
      const givingBack = this.giveBack({ failed });
      if (failed) {
        // What arrived counts, whether this is heard or not.
        context.later(givingBack);
        if (unheard && failure !== undefined) throw failure.error;
        return;
      }
      await givingBack;
      known = lease?.known;
    } catch (failure) {
      const error = orLost(failure);
      if (unheard || !(error instanceof UploadLostError)) throw error;
    } finally {
      await assembler.release();
      if (lease !== undefined) context.later(lease.stop());
      onEnd(known);
    }
  }

  /** Whether what was appended is kept for the next writer. */
  protected abstract readonly keeps: boolean;
  /** The lease; undefined while nobody else knows of the upload. */
  protected abstract held(): Lease | undefined;
  /** Keys of the parts that lie in the folder. */
  protected abstract partKeys(): readonly string[];
  /** @param rest what belongs to no part yet */
  protected abstract putInPlace(key: Key, rest: Rest): Promise<void>;
  /** Gives up what only `putInPlace` needs. */
  protected abstract leave(): Promise<void>;
  /** Writes the state that the next writer begins with. */
  protected abstract giveBack(how: { readonly failed: boolean }): Promise<void>;

  async #commit(key: Key): Promise<void> {
    const { assembler } = this.parts;
    await assembler.settle();
    const rest = assembler.stored ?? (await assembler.rest());
    const leftovers = this.#leftovers();
    leftovers.catch(() => {});
    await this.putInPlace(key, rest);
    await this.#end(await leftovers);
  }

  async #drop(): Promise<void> {
    await this.held()?.confirm();
    await this.#noteFailure(this.parts.assembler.settle()).catch(() => {});
    await this.leave();
    await this.#end(await this.#leftovers());
  }

  /** Keys of what there is of this upload besides its content: as the state tells, or else as the folder is listed. */
  async #leftovers(): Promise<readonly string[]> {
    const { context, folder, tails } = this.parts;
    const lease = this.held();
    if (lease === undefined) return tails.keys;
    const lock = lockKey(folder);
    const { others } = lease.state;
    if (others === null || this.#failed) return [...(await keysBelow(context.caller, folder)), lock];
    return [lock, ...others.map((name) => `${folder}/${name}`), ...this.partKeys(), ...tails.keys];
  }

  async #end(keys: readonly string[]): Promise<void> {
    const { context, assembler, onEnd } = this.parts;
    await this.held()?.stop();
    await deleteUpload(context, [...new Set(keys)]);
    this.#ended = true;
    await assembler.release();
    onEnd();
  }

  async #noteFailure<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      this.#failed = true;
      throw orLost(error);
    }
  }
}
