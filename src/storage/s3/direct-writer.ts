import type { Key } from '../driver.ts';
import { BucketWriter } from './bucket-writer.ts';
import type { Rest } from './copies.ts';
import type { KnownState, Lease } from './lease.ts';
import { completeProven, placeAlone, sendLast } from './multipart-commit.ts';
import type { Multipart, PartTag } from './multiparts.ts';
import { PartAssembler } from './part-assembler.ts';
import { TailObjects } from './tail-objects.ts';
import type { UploadContext } from './upload-context.ts';

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
export class DirectWriter extends BucketWriter {
  protected readonly keeps = false;
  readonly #direct: DirectUpload;
  readonly #sent: PartTag[];
  #upload: Promise<Multipart> | undefined;

  constructor(context: UploadContext, folder: string, direct: DirectUpload) {
    const sent: PartTag[] = [];
    // Nobody was before whom nobody else knows.
    const epoch = direct.held()?.state.epoch ?? 1;
    const tails = new TailObjects(context.objects, folder, { epoch, tail: null });
    const assembler = new PartAssembler({
      buffers: context.buffers,
      partSize: context.partSize,
      send: async (index, content) => {
        this.#upload ??= this.#beginUpload();
        sent[index] = await context.multiparts.send(await this.#upload, index + 1, content);
      },
      keep: (content) => tails.write(content),
    });
    super({ context, folder, tails, assembler, size: 0, onEnd: direct.onEnd });
    this.#direct = direct;
    this.#sent = sent;
  }

  async *content(): AsyncGenerator<Uint8Array> {
    const { assembler } = this.parts;
    await assembler.settle();
    if (this.#upload !== undefined) throw new Error('parts of a multipart upload cannot be read back');
    yield* assembler.readRest();
  }

  protected held(): Lease | undefined {
    return this.#direct.held();
  }

  protected partKeys(): readonly string[] {
    return [];
  }

  protected async putInPlace(key: Key, rest: Rest): Promise<void> {
    if (key !== this.#direct.target) throw new Error(`begun for ${this.#direct.target}, not for ${key}`);
    const { multiparts, objects } = this.parts.context;
    const upload = await this.#upload;
    if (upload === undefined) {
      await this.held()?.confirm();
      await placeAlone(objects, key, rest);
      return;
    }
    const parts = [...this.#sent];
    if (rest.size > 0) parts.push(await sendLast(multiparts, upload, { number: parts.length + 1, rest }));
    await this.held()?.confirm();
    await completeProven(this.parts.context, upload, { parts, size: this.size });
    this.#upload = undefined;
  }

  protected async leave(): Promise<void> {
    const { context } = this.parts;
    const upload = await this.#upload?.catch(() => undefined);
    this.#upload = undefined;
    if (upload !== undefined) context.later(context.multiparts.abort(upload));
  }

  protected async giveBack({ failed }: { readonly failed: boolean }): Promise<void> {
    const { context, tails } = this.parts;
    for (const key of tails.keys) context.later(context.objects.delete(key));
    await this.held()?.update((state) => ({
      ...state,
      holder: null,
      target: null,
      others: failed ? null : state.others,
    }));
  }

  async #beginUpload(): Promise<Multipart> {
    const lease = await this.#direct.lease();
    const upload = await this.parts.context.multiparts.create(this.#direct.target);
    await lease.update((state) => ({ ...state, target: { key: upload.key, uploadId: upload.id } }));
    return upload;
  }
}
