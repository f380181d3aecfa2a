import type { Digest } from './digest.ts';

/** One entry of a referrers answer, specification "Listing Referrers". */
export interface ReferrerDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
