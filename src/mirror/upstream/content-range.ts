import type { ByteRange } from '../../oci/byte-range.ts';

/** Which bytes of a content an answer carries, and how many there are in all where it says so. */
export interface CarriedBytes extends ByteRange {
  readonly total: number | undefined;
}

const CONTENT_RANGE = /^bytes\s+(\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i;
const LENGTH = /^\d{1,16}$/;

/**
 * `Content-Range` of a 206, RFC 9110 section 14.4.
 * @returns undefined when it contradicts itself or cannot be understood
 */
export function parseContentRange(header: string | undefined): CarriedBytes | undefined {
  const match = CONTENT_RANGE.exec(header?.trim() ?? '');
  if (match === null) return undefined;
  const total = match[3] === '*' ? undefined : Number(match[3]);
  const [start, end] = [Number(match[1]), Number(match[2])];
  if (end < start || (total !== undefined && end >= total)) return undefined;
  return { start, end, total };
}

/** @returns undefined when there is no usable length */
export function parseContentLength(header: string | undefined): number | undefined {
  return header !== undefined && LENGTH.test(header.trim()) ? Number(header) : undefined;
}
