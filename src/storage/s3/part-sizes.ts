/** Parts of one size before it doubles: an object has 10,000 parts at most. */
const PARTS_OF_A_SIZE = 2_000;

const MIB = 1024 * 1024;

/**
 * The size of each part, so that small objects have small parts and large ones fit: with 10 MiB to begin with,
 * about 400 GiB.
 * @returns from a part's index, counted from 0, to its bytes
 */
export function partSizes({ chunkSize, most }: { readonly chunkSize: number; readonly most: number }) {
  const largest = Math.max(chunkSize, Math.floor(most / MIB) * MIB);
  return (index: number): number => Math.min(chunkSize * 2 ** Math.floor(index / PARTS_OF_A_SIZE), largest);
}
