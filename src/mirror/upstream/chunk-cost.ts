/** Bytes of memory for what is kept about a chunk, about. */
const LEAST = 512;

/** Bytes that count against a bound for a chunk of so many: in many small ones the bytes are the least of it. */
export function costOf(bytes: number): number {
  return Math.max(bytes, LEAST);
}
