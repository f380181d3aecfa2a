import type { Key, UploadWriter } from '../driver.ts';
import { UploadLostError } from '../storage-errors.ts';
import { keysBelow } from './folder-delete.ts';
import type { KnownState, Lease } from './lease.ts';
import { completeProven } from './multipart-commit.ts';
import type { Multipart, PartTag } from './multiparts.ts';
import { PartAssembler } from './part-assembler.ts';
import { lockKey } from './session-state.ts';
import { TailObjects } from './tail-objects.ts';
import type { UploadContext } from './upload-context.ts';
import { deleteUpload } from './upload-end.ts';

export interface DirectUpload {
  readonly target: Key;
  /** The lease, taken at the latest before a multipart upload begins, with its target in the state. */
  readonly lease: () => Promise<Lease>;
  /** Undefined while nobody else knows of the upload. */
  readonly held: () => Lease | undefined;
  readonly onEnd: (known?: KnownState) => void;
}

/**
 * Writes content whose digest was told before its first byte straight to its key: by a multipart upload, which shows
 * nothing until it is completed, or when there is less than a part of it by one request. What it wrote cannot be
 * read back, so it ends with its writer.
 */
export class DirectWriter implements UploadWriter {
  readonly #context: UploadContext;
  readonly #folder: string;
  readonly #direct: DirectUpload;
  readonly #tails: TailObjects;
  readonly #assembler: PartAssembler;
  readonly #parts: PartTag[] = [];
  #upload: Promise<Multipart> | undefined;
  #size = 0;
  #failed = false;
  #ended = false;

  constructor(context: UploadContext, folder: string, direct: DirectUpload) {
    this.#context = context;
    this.#folder = folder;
    this.#direct = direct;
    this.#tails = new TailObjects(context.objects, folder, 0);
    this.#assembler = new PartAssembler({
      buffers: context.buffers,
      partSize: context.partSize,
      send: async (index, content) => {
        this.#upload ??= this.#beginUpload();
        this.#parts[index] = await context.multiparts.send(await this.#upload, index + 1, content);
      },
      keep: (content) => this.#tails.write(content),
    });
  }

  get size(): number {
    return this.#size;
  }

  async append(chunk: Uint8Array): Promise<void> {
    if (this.#direct.held()?.lost === true) throw new UploadLostError();
    await this.#noteFailure(this.#assembler.append(chunk));
    this.#size += chunk.byteLength;
  }

  async *content(): AsyncGenerator<Uint8Array> {
    await this.#assembler.settle();
    if (this.#upload !== undefined) throw new Error('parts of a multipart upload cannot be read back');
    yield* this.#assembler.readRest();
  }

  commit(key: Key): Promise<void> {
    return this.#noteFailure(this.#commit(key));
  }

  async drop(): Promise<void> {
    const dropping = this.#drop();
    // The client has waited long enough when something failed before.
    if (this.#failed) this.#context.later(dropping);
    else await dropping;
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const lease = this.#direct.held();
    let known: KnownState | undefined;
    try {
      await this.#abort();
      for (const key of this.#tails.keys) this.#context.later(this.#context.objects.delete(key));
      if (lease === undefined || lease.lost) return;
      const released = lease.update((state) => ({ ...state, holder: null, target: null }));
      if (this.#failed) {
        this.#context.later(released);
      } else {
        await released;
        known = lease.known;
      }
    } catch (error) {
      if (!(error instanceof UploadLostError)) throw error;
    } finally {
      await this.#assembler.release();
      if (lease !== undefined) this.#context.later(lease.stop());
      this.#direct.onEnd(known);
    }
  }

  async #commit(key: Key): Promise<void> {
    if (key !== this.#direct.target) throw new Error(`begun for ${this.#direct.target}, not for ${key}`);
    await this.#assembler.settle();
    const rest = await this.#assembler.rest();
    const upload = await this.#upload;
    const keys = this.#keys();
    keys.catch(() => {});
    if (upload === undefined) {
      await this.#direct.held()?.confirm();
      await this.#context.objects.put(key, rest);
    } else {
      const { multiparts } = this.#context;
      const parts = [...this.#parts];
      if (rest.size > 0) parts.push(await multiparts.send(upload, parts.length + 1, rest));
      await this.#direct.held()?.confirm();
      await completeProven(this.#context, upload, { parts, size: this.#size });
      this.#upload = undefined;
    }
    await this.#end(await keys);
  }

  async #drop(): Promise<void> {
    await this.#direct.held()?.confirm();
    await this.#abort();
    await this.#end(await this.#keys());
  }

  async #noteFailure<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  async #beginUpload(): Promise<Multipart> {
    const lease = await this.#direct.lease();
    const upload = await this.#context.multiparts.create(this.#direct.target);
    await lease.update((state) => ({ ...state, target: { key: upload.key, uploadId: upload.id } }));
    return upload;
  }

  async #abort(): Promise<void> {
    await this.#noteFailure(this.#assembler.settle()).catch(() => {});
    const upload = await this.#upload?.catch(() => undefined);
    this.#upload = undefined;
    if (upload !== undefined) this.#context.later(this.#context.multiparts.abort(upload));
  }

  /** What there is of this upload besides its content. */
  async #keys(): Promise<readonly string[]> {
    if (this.#direct.held() === undefined) return this.#tails.keys;
    return [...(await keysBelow(this.#context.caller, this.#folder)), lockKey(this.#folder)];
  }

  async #end(keys: readonly string[]): Promise<void> {
    const lease = this.#direct.held();
    await lease?.stop();
    await deleteUpload(this.#context, [...new Set(keys)]);
    this.#ended = true;
    await this.#assembler.release();
    this.#direct.onEnd();
  }
}
