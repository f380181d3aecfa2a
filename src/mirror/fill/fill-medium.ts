import type { Key } from '../../storage/driver.ts';

/** Where the bytes of one fill go as they arrive, and are read from while it grows. */
export interface FillMedium {
  /** Whether bytes may come in any order; else each comes right behind the one before, and calls do not overlap. */
  readonly anyOrder: boolean;
  /** Calls may overlap where any order will do. @throws StorageFullError, StorageUnavailableError */
  write(chunks: readonly Buffer[], offset: number): Promise<void>;
  /**
   * Is given every byte that was written, in order, once; calls do not overlap. May take long: neither what is
   * fetched nor the proof of the digest waits for it. Left out: not needed.
   */
  append?(chunk: Uint8Array): Promise<void>;
  /** Bytes that were written. @returns how many were read, 0 when they are not held any more */
  read(into: Uint8Array, offset: number): Promise<number>;
  /** The same without waiting, for what was written a moment ago. Left out: that is not to be had. */
  readNow?(into: Uint8Array, offset: number): number;
  /** Puts the whole content at the key; what is read goes on being readable. */
  commit(key: Key): Promise<void>;
  /** Throws the content away; what is read goes on being readable. */
  drop(): Promise<void>;
  /** Nobody reads any more. */
  close(): Promise<void>;
}
