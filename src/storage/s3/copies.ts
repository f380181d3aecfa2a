import type { ByteRange } from '../../oci/byte-range.ts';
import type { Content } from './objects.ts';

/** Parts before the last one must have so many bytes. */
const SMALLEST_PART = 5 * 1024 * 1024;

/** distribution's keys `storage.s3.multipartcopy…`. */
export interface CopyRules {
  /** Bytes of a part, `multipartcopychunksize`. */
  readonly chunkSize: number;
  /** What has more bytes is copied in parts, `multipartcopythresholdsize`. */
  readonly threshold: number;
  /** Parts copied at once, `multipartcopymaxconcurrency`. */
  readonly atOnce: number;
}

/** An object in the bucket that is copied without its bytes passing through here. */
export interface StoredObject {
  readonly key: string;
  readonly size: number;
}

/** What belongs to no part yet: in memory, or in the bucket already. */
export type Rest = Content | StoredObject;

export interface CopyPart {
  readonly source: string;
  /** Undefined: the whole object. */
  readonly range: ByteRange | undefined;
}

/**
 * The parts that make one object of several, in their order: each whole, or where it is larger than the threshold cut
 * into pieces of the chunk's size, the last of which is longer rather than too short for a part.
 */
export function copyParts(objects: readonly StoredObject[], { chunkSize, threshold }: CopyRules): CopyPart[] {
  return objects.flatMap(({ key, size }) => {
    if (size <= threshold) return [{ source: key, range: undefined }];
    const parts: CopyPart[] = [];
    for (let start = 0; start < size; ) {
      const left = size - start;
      const length = left - chunkSize < SMALLEST_PART ? left : chunkSize;
      parts.push({ source: key, range: { start, end: start + length - 1 } });
      start += length;
    }
    return parts;
  });
}
