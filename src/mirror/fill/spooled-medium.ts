import type { Key, UploadWriter } from '../../storage/driver.ts';
import type { FillMedium } from './fill-medium.ts';
import type { SpoolFile } from './spool.ts';

/** A fill into a bucket: its parts are sent in order, and a local file has what was fetched, in any order. */
export class SpooledMedium implements FillMedium {
  readonly anyOrder = true;
  readonly #writer: UploadWriter;
  readonly #file: SpoolFile;

  constructor(writer: UploadWriter, file: SpoolFile) {
    this.#writer = writer;
    this.#file = file;
  }

  write(chunks: readonly Buffer[], offset: number): Promise<void> {
    return this.#file.write(chunks, offset);
  }

  append(chunk: Uint8Array): Promise<void> {
    return this.#writer.append(chunk);
  }

  read(into: Uint8Array, offset: number): Promise<number> {
    return this.#file.read(into, offset);
  }

  readNow(into: Uint8Array, offset: number): number {
    return this.#file.readNow(into, offset);
  }

  commit(key: Key): Promise<void> {
    return this.#writer.commit(key);
  }

  drop(): Promise<void> {
    return this.#writer.drop();
  }

  async close(): Promise<void> {
    await this.#file.close();
    await this.#writer.close();
  }
}
