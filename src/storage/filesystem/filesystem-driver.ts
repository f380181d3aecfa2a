import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Key, ObjectStat, StorageDriver } from '../driver.ts';
import { isMissing, storageError } from './errors.ts';
import { FolderLister } from './folder-lister.ts';
import { Folders } from './folders.ts';
import { DEFAULT_HEARTBEAT, type HeartbeatTimes, type Repeat, repeatUnref } from './heartbeats.ts';
import { readObject } from './object-reader.ts';
import { writeFileAtomically } from './object-writer.ts';
import { ReadBuffers } from './read-buffers.ts';
import { removeFile, removeTree } from './remove.ts';
import { StorageRoot } from './root.ts';
import { uniqueNames } from './unique-names.ts';
import { FileUploadStore } from './upload-store.ts';

export interface FilesystemOptions {
  /** Where `docker/registry/v2` lies, or is made. */
  readonly rootDirectory: string;
  /** How processes on one directory learn of each other. The same for all of them. */
  readonly heartbeat?: Partial<HeartbeatTimes>;
  readonly repeat?: Repeat;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * Keeps objects as files, in distribution's layout. Any number of processes may use one directory.
 * @throws StorageUnavailableError when the directory cannot be made
 */
export async function createFilesystemDriver(options: FilesystemOptions): Promise<StorageDriver> {
  const { heartbeat, repeat = repeatUnref, now = Date.now } = options;
  const root = await StorageRoot.open(options.rootDirectory);
  const folders = new Folders(root);
  const buffers = new ReadBuffers();
  const lister = new FolderLister(root, now);
  const times = { ...DEFAULT_HEARTBEAT, ...heartbeat };
  const uniqueName = uniqueNames();
  const uploads = new FileUploadStore({ root, folders, buffers, times, repeat, uniqueName });

  /** @param remove says whether there was anything */
  const removeDurably = async (key: Key, remove: (path: string) => Promise<boolean>) => {
    const path = root.path(key);
    try {
      if (await remove(path)) await folders.syncNames(dirname(path));
      else await root.mustBeThere();
    } catch (error) {
      throw storageError(error);
    }
  };

  return {
    name: 'filesystem',
    freshness: { links: 1000, tags: 1000 },
    uploads,
    stat: (key, signal) => statObject(key, { root, signal }),
    read: (key, options = {}) => readObject(key, options, { root, buffers }),
    write: (key, content, { durable = true, ownerOnly = false } = {}) =>
      writeFileAtomically(root.path(key), content, { folders, durable, ownerOnly, uniqueName }),
    list: (folder, options = {}) => lister.list(folder, options),
    delete: (key) => removeDurably(key, removeFile),
    deleteFolder: (folder) => removeDurably(folder, removeTree),
    close: () => uploads.close(),
  };
}

async function statObject(
  key: Key,
  { root, signal }: { readonly root: StorageRoot; readonly signal: AbortSignal | undefined },
): Promise<ObjectStat> {
  signal?.throwIfAborted();
  try {
    const stats = await stat(root.path(key));
    if (stats.isFile()) return { size: stats.size, modifiedAt: stats.mtime };
  } catch (error) {
    if (!isMissing(error)) throw storageError(error);
    throw await root.notFound(key, error);
  }
  throw await root.notFound(key, new Error('a folder, not an object'));
}
