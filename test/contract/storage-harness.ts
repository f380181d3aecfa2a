import type { FolderEntry, Key, ListOptions, StorageDriver } from '../../src/storage/driver.ts';

/** A driver that stands for a process of its own. */
export interface StorageProcess {
  readonly driver: StorageDriver;
  /**
   * Stops what the driver does in the background, as SIGSTOP and kill -9 stop a process, so that its heartbeats
   * end. Calling the driver afterwards is what a process does that only slept. Left out where no holder is ever
   * taken for dead.
   */
  readonly freeze?: () => void;
}

/**
 * One storage, empty at first. Locks should be judged fast here (tens of milliseconds): the suite waits for
 * real verdicts.
 */
export interface StorageHarness {
  /** One more process over the storage. */
  start(): Promise<StorageProcess>;
  /** Ends all processes and removes the storage. */
  close(): Promise<void>;
}

export async function readAll(
  driver: StorageDriver,
  key: Key,
  range?: { readonly start: number; readonly end: number },
): Promise<Buffer> {
  const reader = await driver.read(key, range === undefined ? {} : { range });
  return collect(reader.chunks());
}

/** Copies each chunk before it asks for the next one: buffers are reused. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const chunk of chunks) copies.push(Buffer.from(chunk));
  return Buffer.concat(copies);
}

export async function listNames(
  driver: StorageDriver,
  folder: Key,
  options?: ListOptions,
): Promise<readonly string[]> {
  const page = await driver.list(folder, options);
  return page.entries.map((entry: FolderEntry) => (entry.kind === 'folder' ? `${entry.name}/` : entry.name));
}

/** Bytes that differ everywhere, so that a wrong offset shows. */
export function pattern(size: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let state = seed >>> 0 || 1;
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}
