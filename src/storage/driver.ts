import type { ByteRange } from '../oci/byte-range.ts';
import type { StorageCapabilities } from './capabilities.ts';

/**
 * Where an object lies: segments joined by `/`, no leading slash, relative to the driver's root
 * (`docker/registry/v2/blobs/sha256/ab/abc…/data`). Segments are never empty, `.` or `..`.
 */
export type Key = string;

export interface ObjectStat {
  /** Bytes. */
  readonly size: number;
  /** When the content was written last. */
  readonly modifiedAt: Date;
}

/** One name directly below a folder. */
export interface FolderEntry {
  /** The last segment alone. */
  readonly name: string;
  readonly kind: 'object' | 'folder';
}

export interface FolderPage {
  /** In ASCII order of their names. A name that is both (possible on a bucket only) comes as a folder. */
  readonly entries: readonly FolderEntry[];
  /** Whether names follow behind the last one here. */
  readonly more: boolean;
}

export interface ListOptions {
  /** Only names that sort behind this one, whether it exists or not. */
  readonly after?: string;
  /** At most this many entries; at least 1. Default: all. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface ReadOptions {
  /** Default: the whole object. Must lie inside of the object. */
  readonly range?: ByteRange;
  readonly signal?: AbortSignal;
}

/**
 * An object opened for reading: the storage has answered, and a delete or overwrite that comes now does not
 * change what is read.
 */
export interface ObjectReader {
  /** Bytes of the whole object, whatever the range. */
  readonly size: number;
  /**
   * The bytes of the range, once. A chunk is valid only until the next one is asked for: buffers are reused.
   * Ending the iteration early releases what is held.
   * @throws StorageUnavailableError when the storage fails in the middle
   */
  chunks(): AsyncIterable<Uint8Array>;
  /** Releases what is held when `chunks` is never iterated. May be called at any time, more than once. */
  close(): Promise<void>;
}

export interface WriteOptions {
  /** False: may be lost when the machine (not the process) dies: what belongs to an upload session. Default: true. */
  readonly durable?: boolean;
  /** True: readable to the server's own user alone, at every moment, where there are users (a directory). */
  readonly ownerOnly?: boolean;
}

/** How long, in milliseconds, what was read may be answered from memory while other processes write. */
export interface Freshness {
  /** For links of blobs and manifest revisions. */
  readonly links: number;
  /** For what a tag leads to. */
  readonly tags: number;
}

/**
 * Bytes by key, on a directory, in memory or in a bucket. Knows nothing of what they mean.
 *
 * Every method may throw StorageUnavailableError (the storage cannot be asked: never taken for "not found"),
 * and those that write StorageFullError. A missing object is KeyNotFoundError, and only that.
 * All are safe to call from several processes on one storage. What a process wrote it sees at once.
 */
export interface StorageDriver {
  readonly name: 'filesystem' | 'inmemory' | 's3';
  readonly freshness: Freshness;
  readonly uploads: UploadStore;
  readonly capabilities?: StorageCapabilities;

  /** @throws KeyNotFoundError when there is no object (a folder is none) */
  stat(key: Key, signal?: AbortSignal): Promise<ObjectStat>;

  /** @throws KeyNotFoundError */
  read(key: Key, options?: ReadOptions): Promise<ObjectReader>;

  /**
   * Puts an object that is all in memory (links, candidates, manifests: up to a few megabytes) in place, durable
   * when the promise resolves. Atomic: a reader, and whoever comes after a crash, finds the old content or the
   * new, whole.
   */
  write(key: Key, content: Uint8Array, options?: WriteOptions): Promise<void>;

  /** What lies directly below a folder. A folder that does not exist is an empty page. */
  list(folder: Key, options?: ListOptions): Promise<FolderPage>;

  /** Durable when it resolves; needs no free space. Deleting what is not there succeeds. */
  delete(key: Key): Promise<void>;

  /**
   * Deletes a folder with all that is below it, as `delete` does. Not atomic: a crash leaves some of it.
   * A folder that is not there is a success.
   */
  deleteFolder(folder: Key): Promise<void>;

  /** Ends what runs in the background. Nothing may be called after it. */
  close(): Promise<void>;
}

export interface BeginUploadOptions {
  /** Names of all that lies in the folder already; nothing else is put there before the upload ends. */
  readonly beside: readonly string[];
}

export interface CreateUploadOptions {
  /**
   * Where the content will end, when that is known at the start: the driver may then write there straight, as
   * long as nothing can be read there before `commit`. `commit` must be called with the same key. What was
   * appended lasts until `close` only: in a bucket it cannot be read back, so an upload that is opened again may
   * be empty.
   */
  readonly target?: Key;
  /** Nobody else can learn of the folder before this writer ends: what only others need may be left out. */
  readonly unshared?: boolean;
}

export interface OpenUploadOptions {
  /** As in CreateUploadOptions, for what is appended from now on; without effect unless the upload is empty. */
  readonly target?: Key;
  readonly signal?: AbortSignal;
}

/**
 * Objects that grow. An upload is named by a folder of its own (`…/_uploads/<uuid>`), in which the driver
 * keeps its state under names that begin with `data` or `lock`, so that any process goes on with it; others may
 * put small objects beside them. Its content cannot be read as an object before it was committed.
 */
export interface UploadStore {
  /**
   * Makes an empty upload that nobody holds, in a folder that nobody else knows, for every process to `open`. Only
   * where that saves more than it costs.
   */
  begin?(folder: Key, options: BeginUploadOptions): Promise<void>;

  /**
   * Begins an empty upload and gives its writer. Other objects may lie in the folder already.
   * @throws UploadBusyError when there is an upload in the folder, or somebody begins one at the same time
   */
  create(folder: Key, options?: CreateUploadOptions): Promise<UploadWriter>;

  /**
   * Takes the one writer an upload has. Where another process holds it, its heartbeat is watched for a bounded
   * time (2 s on a directory, 10 s on a bucket): beating means UploadBusyError; dead means it is taken over, and
   * whatever the old holder still does reaches nothing. Within one process busy is told at once.
   * @throws UploadBusyError, KeyNotFoundError when there is no such upload
   */
  open(folder: Key, options?: OpenUploadOptions): Promise<UploadWriter>;

  /**
   * Bytes kept so far, without taking the writer: answers while somebody writes.
   * @throws KeyNotFoundError
   */
  size(folder: Key): Promise<number>;
}

/** The one writer of an upload. After `commit`, `drop` or `close` nothing else may be called but `close`. */
export interface UploadWriter {
  /** Bytes appended so far, by every holder. */
  readonly size: number;

  /**
   * Takes the chunk when it resolves: the caller may reuse it then. Calls do not overlap.
   * @throws StorageFullError (what was appended before stays), UploadLostError when the writer was taken over
   */
  append(chunk: Uint8Array): Promise<void>;

  /**
   * What was appended so far, from the first byte, for hashing it again; same rules as ObjectReader.chunks.
   * Must be consumed before the next append.
   */
  content(): AsyncIterable<Uint8Array>;

  /**
   * Puts the content at `key`, whole and durable when it resolves, and ends the upload with its folder.
   * An object that is already there stays or is replaced by the same: keys of blobs say what they hold.
   * @throws UploadLostError when the writer was taken over; nothing was put anywhere then
   */
  commit(key: Key): Promise<void>;

  /** Throws the upload away, with its folder. */
  drop(): Promise<void>;

  /**
   * Gives the writer back; the upload stays as it is, to be opened again. Idempotent.
   * @throws where something of what was appended was lost and no call before has said so
   */
  close(): Promise<void>;
}

/** What was written so far to an upload, or would be its object: stays readable when that is committed or dropped. */
export interface UploadView {
  /** Fills `into` from bytes that were written. @returns how many, at least 1 where there are any */
  read(into: Uint8Array, offset: number): Promise<number>;
  /** The same at once, on this thread: for what was written a moment ago and need not come from the disk. */
  readNow(into: Uint8Array, offset: number): number;
  close(): Promise<void>;
}

/**
 * An upload whose bytes may come in any order, and be read before the commit: where it is a file. Never together
 * with `append`. Whoever commits has seen to it that no byte is missing.
 */
export interface RandomAccessUpload extends UploadWriter {
  /** Writes the chunks one behind the other. Calls may overlap. @throws StorageFullError, UploadLostError */
  writeAt(chunks: readonly Uint8Array[], offset: number): Promise<void>;
  openView(): Promise<UploadView>;
}

export function isRandomAccess(writer: UploadWriter): writer is RandomAccessUpload {
  return 'writeAt' in writer && 'openView' in writer;
}
