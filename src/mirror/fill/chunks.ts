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
