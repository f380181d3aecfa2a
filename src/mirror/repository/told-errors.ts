import type { Digest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import { formatReference, type Reference } from '../../oci/reference.ts';
import { registryErrorFor, UpstreamError, type Wanted } from '../upstream/upstream-errors.ts';
import type { MirroredSource } from './mirror-parts.ts';

/** What a client asked when an upstream failed. */
export interface Asked {
  readonly source: MirroredSource;
  readonly method: string;
  readonly wanted: Wanted;
  /** What it is told when it may be about to push. */
  readonly unknown?: () => RegistryError;
}

/**
 * What the client is told. Clients ask by HEAD before they push, and must not be kept from pushing to a bare name
 * by an upstream that cannot be asked.
 */
export function toldError(error: unknown, asked: Asked): unknown {
  if (!(error instanceof UpstreamError)) return error;
  if (asked.method === 'HEAD' && asked.source.bare && asked.unknown !== undefined) return asked.unknown();
  return registryErrorFor(error, asked.wanted);
}

export function unknownManifest({ stored }: MirroredSource, reference: Reference): RegistryError {
  return new RegistryError('MANIFEST_UNKNOWN', {
    message: `no manifest ${formatReference(reference)} in ${stored}, nor can one be had now`,
    detail: { name: stored, reference: formatReference(reference) },
  });
}

export function unknownBlob({ stored }: MirroredSource, digest: Digest): RegistryError {
  return new RegistryError('BLOB_UNKNOWN', {
    message: `no blob ${digest} in ${stored}`,
    detail: { name: stored, digest },
  });
}
