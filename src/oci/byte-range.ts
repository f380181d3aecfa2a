/** First and last byte, both included, counted from 0. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a `Range` header asks of content of a known size. */
export type RangeRequest =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly range: ByteRange }
  | { readonly kind: 'unsatisfiable' };

const SINGLE = /^bytes\s*=\s*(?:(\d{1,16})\s*-\s*(\d{1,16})?|-\s*(\d{1,16}))$/i;

/**
 * RFC 9110 section 14.2: a header that cannot be understood, another unit, or several ranges may be
 * ignored, and are: the whole is served. One range that lies outside of the content is unsatisfiable, and so
 * is one that ends before it starts (the conformance suite asks for that).
 */
export function parseRangeHeader(header: string | undefined, size: number): RangeRequest {
  if (header === undefined) return { kind: 'whole' };
  const match = SINGLE.exec(header.trim());
  if (match === null) return { kind: 'whole' };
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0
      ? { kind: 'unsatisfiable' }
      : { kind: 'part', range: { start: size - length, end: size - 1 } };
  }
  const start = Number(first);
  const end = last === undefined ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || end < start) return { kind: 'unsatisfiable' };
  return { kind: 'part', range: { start, end } };
}

const CHUNK = /^(\d{1,16})-(\d{1,16})$/;

/**
 * `Content-Range` of an upload chunk: `<start>-<end>`, specification "Pushing a blob in chunks"; the form with
 * a leading `bytes ` and a trailing size that some clients send is understood too.
 * @returns undefined when it cannot be understood
 */
export function parseChunkRange(header: string): ByteRange | undefined {
  const bare = header
    .trim()
    .replace(/^bytes[\s=]+/i, '')
    .replace(/\/(\d+|\*)$/, '');
  const match = CHUNK.exec(bare);
  if (match === null) return undefined;
  const range = { start: Number(match[1]), end: Number(match[2]) };
  return range.end < range.start ? undefined : range;
}

export function rangeLength(range: ByteRange): number {
  return range.end - range.start + 1;
}
