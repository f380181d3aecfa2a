import { LRUCache } from 'lru-cache';

/**
 * A memory of the entries used last. Given as a size, the bound costs nothing until there are entries; given as a
 * count it would take room for all of them at once, some milliseconds and megabytes for what is here.
 */
export function entryCache<Key extends {}, Value extends {}>(entries: number): LRUCache<Key, Value> {
  return new LRUCache({ maxSize: entries, sizeCalculation: () => 1 });
}
