import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { MIB } from './transfer.ts';

export interface LargeFile {
  readonly path: string;
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** A file of bytes that do not compress, different at each call. @param mebibytes may be a fraction */
export async function writeLargeFile(path: string, mebibytes: number): Promise<LargeFile> {
  const size = Math.round(mebibytes * MIB);
  const hash = createHash('sha256');
  const file = createWriteStream(path);
  for (let left = size; left > 0; left -= MIB) {
    const chunk = randomBytes(Math.min(left, MIB));
    hash.update(chunk);
    if (!file.write(chunk)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
  return { path, digest: `sha256:${hash.digest('hex')}`, size };
}

/** A file of zeros, which takes no room and next to no time. @param size in bytes */
export async function writeSparseFile(path: string, size: number): Promise<LargeFile> {
  await writeFile(path, '');
  await truncate(path, size);
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(MIB);
  for (let left = size; left > 0; left -= MIB) hash.update(zeros.subarray(0, Math.min(left, MIB)));
  return { path, digest: `sha256:${hash.digest('hex')}`, size };
}
