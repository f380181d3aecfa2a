import type { StorageDriver } from '../driver.ts';
import { StorageUnavailableError } from '../storage-errors.ts';
import { Caller } from './caller.ts';
import { createClient } from './client.ts';
import { createFlatLister } from './flat-lister.ts';
import { deleteKeys, keysBelow } from './folder-delete.ts';
import { listFolder } from './folder-list.ts';
import type { Every } from './lease.ts';
import { Multiparts } from './multiparts.ts';
import { openReader } from './object-reader.ts';
import { statObject } from './object-stat.ts';
import { attributesOf, contentOf, Objects } from './objects.ts';
import { PartBuffers } from './part-buffers.ts';
import { partSizes } from './part-sizes.ts';
import { DEFAULT_CHUNK_SIZE, type S3Options } from './s3-options.ts';
import { S3Uploads } from './s3-uploads.ts';
import { createSignedUrls } from './signed-urls.ts';
import { createUnfinishedWrites } from './unfinished-writes.ts';
import type { UploadContext } from './upload-context.ts';

/**
 * Strong consistency of the bucket is assumed, as S3 has had it since 2020: what was written, and what a list
 * names, is what everybody sees. Tags are therefore asked for each time; links only go away by a delete, which
 * may be seen five seconds late.
 */
const FRESHNESS = { links: 5_000, tags: 0 };

const BUFFER_MEMORY = 40 * 1024 * 1024;

/** As in distribution. */
const COPY_SIZE = 32 * 1024 * 1024;
const COPIES_AT_ONCE = 100;

/** Bytes in a bucket of S3, or of a server that speaks like it. */
export function createS3Driver(options: S3Options): StorageDriver {
  const client = createClient(options);
  const caller = new Caller(client, options);
  const attributes = attributesOf(options);
  const objects = new Objects(caller, attributes);
  const background = new Set<Promise<unknown>>();
  const timers = new Set<() => void>();
  const every = options.every ?? interval(timers);
  const chunkSize = options.chunkSize ?? DEFAULT_CHUNK_SIZE;
  const memory = Math.max(options.bufferMemory ?? BUFFER_MEMORY, 2 * chunkSize);
  const buffers = new PartBuffers({ memory, idle: caller.timing.idleBuffer });
  caller.onSilence((cause) => buffers.refuse(new StorageUnavailableError(`S3: ${cause.message}`, { cause })));
  const context: UploadContext = {
    caller,
    objects,
    every,
    timing: caller.timing,
    multiparts: new Multiparts(caller, attributes),
    buffers,
    partSize: partSizes({ chunkSize, most: Math.max(chunkSize, memory / 2) }),
    copies: {
      chunkSize: options.multipartCopyChunkSize ?? COPY_SIZE,
      threshold: options.multipartCopyThresholdSize ?? COPY_SIZE,
      atOnce: options.multipartCopyMaxConcurrency ?? COPIES_AT_ONCE,
    },
    later: (work) => {
      const settled = work.catch(() => {}).finally(() => background.delete(settled));
      background.add(settled);
    },
  };
  return {
    name: 's3',
    freshness: FRESHNESS,
    uploads: new S3Uploads(context),
    capabilities: {
      cheapWrites: true,
      flatLister: createFlatLister(caller),
      signedUrls: createSignedUrls(caller, options),
      unfinishedWrites: createUnfinishedWrites(context.multiparts),
    },
    stat: (key, signal) => statObject(objects, key, signal),
    read: (key, options) => openReader(objects, key, options),
    async write(key, content) {
      await objects.put(key, contentOf(content));
    },
    list: (folder, options = {}) => listFolder(caller, folder, options),
    delete: (key) => objects.delete(key),
    async deleteFolder(folder) {
      await deleteKeys(objects, await keysBelow(caller, folder));
    },
    async close() {
      for (const stop of timers) stop();
      await Promise.all(background);
      client.destroy();
    },
  };
}

function interval(timers: Set<() => void>): Every {
  return (milliseconds, work) => {
    const timer = setInterval(work, milliseconds);
    const stop = (): void => {
      clearInterval(timer);
      timers.delete(stop);
    };
    timers.add(stop);
    return stop;
  };
}
