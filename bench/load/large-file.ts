import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { MIB } from './transfer.ts';

export interface LargeFile {
  readonly path: string;
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** A file of bytes that do not compress, different at each call. @param size whole MiB */
export async function writeLargeFile(path: string, mebibytes: number): Promise<LargeFile> {
  const hash = createHash('sha256');
  const file = createWriteStream(path);
  for (let written = 0; written < mebibytes; written += 1) {
    const chunk = randomBytes(MIB);
    hash.update(chunk);
    if (!file.write(chunk)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
  return { path, digest: `sha256:${hash.digest('hex')}`, size: mebibytes * MIB };
}
