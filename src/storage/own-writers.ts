import type { UploadWriter } from './driver.ts';
import { UploadBusyError } from './storage-errors.ts';

/** The uploads that this process writes, or is about to: each has one writer here, whatever other processes do. */
export class OwnWriters<Writer extends UploadWriter> {
  /** undefined while the upload is being taken. */
  readonly #writers = new Map<string, Writer | undefined>();

  get(upload: string): Writer | undefined {
    return this.#writers.get(upload);
  }

  /**
   * Who comes second is told at once, without a look at the storage.
   * @throws UploadBusyError, or what `take` throws
   */
  async enter(upload: string, take: () => Promise<Writer>): Promise<Writer> {
    if (this.#writers.has(upload)) throw new UploadBusyError();
    this.#writers.set(upload, undefined);
    try {
      const writer = await take();
      this.#writers.set(upload, writer);
      return writer;
    } catch (error) {
      this.#writers.delete(upload);
      throw error;
    }
  }

  /** The writer has ended. */
  left(upload: string): void {
    this.#writers.delete(upload);
  }

  /** Gives back all that is held, so that another process need not wait. */
  async close(): Promise<void> {
    await Promise.all([...this.#writers.values()].map((writer) => writer?.close()));
  }
}
