import type { Key, UploadWriter } from '../../storage/driver.ts';
import type { FillMedium } from './fill-medium.ts';

/** A fill into a bucket without local room: in order, and what has left memory is read from the bucket at the end. */
export class PassingMedium implements FillMedium {
  readonly anyOrder = false;
  readonly #writer: UploadWriter;

  constructor(writer: UploadWriter) {
    this.#writer = writer;
  }

  /** Waits for the bucket: there is nothing else that could hold what it has not taken yet. */
  async write(chunks: readonly Buffer[]): Promise<void> {
    for (const chunk of chunks) await this.#writer.append(chunk);
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
