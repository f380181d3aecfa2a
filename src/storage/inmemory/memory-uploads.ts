import type { Key, UploadStore, UploadWriter } from '../driver.ts';
import { KeyNotFoundError, UploadBusyError, UploadLostError } from '../storage-errors.ts';
import type { MemoryTree, MemoryUpload } from './memory-tree.ts';

export function createMemoryUploads(tree: MemoryTree): UploadStore {
  return {
    async create(folder) {
      if (tree.upload(folder) !== undefined) throw new UploadBusyError();
      const upload: MemoryUpload = { chunks: [], size: 0, holder: undefined };
      tree.putUpload(folder, upload);
      return new MemoryUploadWriter(tree, folder, upload);
    },
    async open(folder) {
      const upload = existing(tree, folder);
      if (upload.holder !== undefined) throw new UploadBusyError();
      return new MemoryUploadWriter(tree, folder, upload);
    },
    async size(folder) {
      return existing(tree, folder).size;
    },
  };
}

function existing(tree: MemoryTree, folder: Key): MemoryUpload {
  const upload = tree.upload(folder);
  if (upload === undefined) throw new KeyNotFoundError(folder);
  return upload;
}

/** No process but this one sees the memory, so a holder is never taken for dead; an upload may be deleted under it. */
class MemoryUploadWriter implements UploadWriter {
  readonly #tree: MemoryTree;
  readonly #folder: Key;
  readonly #upload: MemoryUpload;

  constructor(tree: MemoryTree, folder: Key, upload: MemoryUpload) {
    this.#tree = tree;
    this.#folder = folder;
    this.#upload = upload;
    upload.holder = this;
  }

  get size(): number {
    return this.#upload.size;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#mustHold();
    this.#upload.chunks.push(Uint8Array.from(chunk));
    this.#upload.size += chunk.byteLength;
  }

  async *content(): AsyncIterable<Uint8Array> {
    this.#mustHold();
    yield* this.#upload.chunks;
  }

  async commit(key: Key): Promise<void> {
    this.#mustHold();
    this.#tree.putObject(key, { content: Buffer.concat(this.#upload.chunks), modifiedAt: new Date() });
    this.#tree.deleteFolder(this.#folder);
  }

  async drop(): Promise<void> {
    this.#mustHold();
    this.#tree.deleteFolder(this.#folder);
  }

  async close(): Promise<void> {
    if (this.#upload.holder === this) this.#upload.holder = undefined;
  }

  #mustHold(): void {
    const gone = this.#tree.upload(this.#folder) !== this.#upload;
    if (gone || this.#upload.holder !== this) throw new UploadLostError();
  }
}
