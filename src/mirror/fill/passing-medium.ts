import type { Key, UploadWriter } from '../../storage/driver.ts';
import type { FillMedium } from './fill-medium.ts';

/** A fill into a bucket without local room: in order, and what has left memory is read from the bucket at the end. */
export class PassingMedium implements FillMedium {
  readonly anyOrder = false;
  /** There is nothing else that could hold what the bucket has not taken yet. */
  readonly slowAppend = false;
  readonly #writer: UploadWriter;

  constructor(writer: UploadWriter) {
    this.#writer = writer;
  }

  async write(): Promise<void> {}

  append(chunk: Uint8Array): Promise<void> {
    return this.#writer.append(chunk);
  }

  async read(): Promise<number> {
    return 0;
  }

  commit(key: Key): Promise<void> {
    return this.#writer.commit(key);
  }

  drop(): Promise<void> {
    return this.#writer.drop();
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}
