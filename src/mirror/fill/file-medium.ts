import type { Key, RandomAccessUpload, UploadView } from '../../storage/driver.ts';
import type { FillMedium } from './fill-medium.ts';

/** A fill into a storage whose uploads are files: they are written in any order and read as they grow. */
export class FileMedium implements FillMedium {
  readonly anyOrder = true;
  readonly #writer: RandomAccessUpload;
  readonly #view: UploadView;

  private constructor(writer: RandomAccessUpload, view: UploadView) {
    this.#writer = writer;
    this.#view = view;
  }

  /** @throws what opening it for reading fails with: too many files are open, say */
  static async open(writer: RandomAccessUpload): Promise<FileMedium> {
    try {
      return new FileMedium(writer, await writer.openView());
    } catch (error) {
      await writer.drop().catch(() => writer.close().catch(() => {}));
      throw error;
    }
  }

  write(chunks: readonly Buffer[], offset: number): Promise<void> {
    return this.#writer.writeAt(chunks, offset);
  }

  read(into: Uint8Array, offset: number): Promise<number> {
    return this.#view.read(into, offset);
  }

  readNow(into: Uint8Array, offset: number): number {
    return this.#view.readNow(into, offset);
  }

  commit(key: Key): Promise<void> {
    return this.#writer.commit(key);
  }

  drop(): Promise<void> {
    return this.#writer.drop();
  }

  async close(): Promise<void> {
    await this.#view.close();
    await this.#writer.close();
  }
}
