import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import type { LargeFile } from './large-file.ts';

/** Milliseconds without a byte that are borne. */
const SILENCE = 30_000;

/**
 * Reads a URL over a connection of its own and gives the milliseconds until the first byte of the content, which
 * may come long after the headers.
 *
 * @throws Error unless exactly the bytes of the file came
 */
export async function readChecked(url: string, file: Pick<LargeFile, 'digest' | 'size'>): Promise<number> {
  const started = performance.now();
  const request = get(url, { agent: false, timeout: SILENCE });
  request.on('timeout', () => request.destroy(new Error(`${url}: no byte for ${SILENCE} ms`)));
  const [response] = await once(request, 'response');
  const hash = createHash('sha256');
  let first: number | undefined;
  let size = 0;
  for await (const chunk of response) {
    first ??= performance.now() - started;
    hash.update(chunk);
    size += chunk.length;
  }
  const digest = `sha256:${hash.digest('hex')}`;
  if (first === undefined || size !== file.size || digest !== file.digest) {
    throw new Error(`${url}: ${response.statusCode}, ${size} bytes of ${digest}, not ${file.size}`);
  }
  return first;
}
