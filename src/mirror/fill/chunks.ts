import type { LentChunks } from '../upstream/response-body.ts';

/** Bytes of a chunk, on average, from which it is worth more to leave it where it is. */
const WORTH_LEAVING = 1024;

/** Bytes in all. */
export function lengthOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

/** What of chunks, the first of which is at `at`, lies between two positions. */
export function clip(
  chunks: readonly Buffer[],
  { at, from, to }: { readonly at: number; readonly from: number; readonly to: number },
): Buffer[] {
  const wanted: Buffer[] = [];
  let start = at;
  for (const chunk of chunks) {
    const first = Math.max(0, from - start);
    const last = Math.min(chunk.length, to - start);
    if (first < last) wanted.push(chunk.subarray(first, last));
    start += chunk.length;
  }
  return wanted;
}

/** Copies many small chunks into one, and lets go of them. */
export function gathered(lent: LentChunks): LentChunks {
  const { chunks, letGo } = lent;
  if (chunks.length === 1 || lengthOf(chunks) >= chunks.length * WORTH_LEAVING) return lent;
  const all = Buffer.concat(chunks);
  letGo();
  return { chunks: [all], letGo: () => {} };
}
