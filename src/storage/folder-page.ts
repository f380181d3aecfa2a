import type { FolderEntry, FolderPage, ListOptions } from './driver.ts';

/**
 * The page of a folder that `options` ask for. Costs what the page holds, and a binary search.
 * @param sorted all entries of the folder, in ASCII order of their names
 */
export function pageOf(sorted: readonly FolderEntry[], options: ListOptions): FolderPage {
  const start = options.after === undefined ? 0 : firstBehind(sorted, options.after);
  const end = Math.min(start + (options.limit ?? sorted.length), sorted.length);
  return { entries: sorted.slice(start, end), more: end < sorted.length };
}

/** The index of the first entry whose name sorts behind `name`. */
function firstBehind(sorted: readonly FolderEntry[], name: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = sorted[middle];
    if (entry !== undefined && entry.name <= name) low = middle + 1;
    else high = middle;
  }
  return low;
}
