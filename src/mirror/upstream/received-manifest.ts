import { type Digest, digestAlgorithm, digestOf, isDigest } from '../../oci/digest.ts';
import {
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  isMediaType,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
} from '../../oci/media-types.ts';
import { parseObject, signedPayload } from './signed-manifest.ts';

/** A manifest as an upstream sent it, its digest proven. */
export interface ReceivedManifest {
  readonly digest: Digest;
  /** Without parameters. */
  readonly mediaType: string;
  /** Byte for byte. */
  readonly content: Buffer;
}

/** What the answer says of itself, and what was asked. */
export interface ManifestClaims {
  readonly contentType: string | undefined;
  /** The `Docker-Content-Digest` header. */
  readonly digestHeader: string | undefined;
  /** The digest it was asked by; undefined: by tag. */
  readonly asked: Digest | undefined;
}

/** @returns why it cannot be taken, or the manifest */
export function receiveManifest(content: Buffer, claims: ManifestClaims): ReceivedManifest | string {
  const object = parseObject(content.toString('utf8'));
  if (object === undefined) return 'sent something that is no manifest';
  const mediaType = mediaTypeOf(object, claims.contentType);
  const signed = isSigned(object);
  const payload = signed ? signedPayload(content) : content;
  if (payload === undefined) return 'sent a signed manifest whose signature cannot be read';
  const claimed = claims.digestHeader;
  const wanted = claims.asked ?? (claimed !== undefined && isDigest(claimed) ? claimed : undefined);
  if (wanted === undefined && !callsItselfManifest(object)) return 'sent something that is no manifest';
  const digest = digestOf(payload, wanted === undefined ? 'sha256' : digestAlgorithm(wanted));
  if (wanted !== undefined && digest !== wanted) return `sent a manifest of another digest than ${wanted}`;
  return { digest, mediaType, content };
}

/** What else says so where no digest does: a gateway in front may answer everything with a JSON of its own. */
function callsItselfManifest({ schemaVersion, mediaType }: Readonly<Record<string, unknown>>): boolean {
  return typeof schemaVersion === 'number' || (typeof mediaType === 'string' && isMediaType(mediaType));
}

function isSigned(object: Readonly<Record<string, unknown>>): boolean {
  return object.schemaVersion === 1 && Array.isArray(object.signatures) && object.signatures.length > 0;
}

/** The answer's own type where it can be one, else what the manifest says or looks like. */
function mediaTypeOf(object: Readonly<Record<string, unknown>>, contentType: string | undefined): string {
  if (object.schemaVersion === 1) return isSigned(object) ? DOCKER_SCHEMA1_SIGNED : DOCKER_SCHEMA1;
  const bare = contentType?.split(';')[0]?.trim();
  if (bare?.startsWith('application/vnd.') && isMediaType(bare)) return bare;
  if (typeof object.mediaType === 'string' && isMediaType(object.mediaType)) return object.mediaType;
  if (!Array.isArray(object.manifests)) return OCI_IMAGE_MANIFEST;
  return object.manifests.some(isDockerDescriptor) ? DOCKER_MANIFEST_LIST : OCI_IMAGE_INDEX;
}

function isDockerDescriptor(descriptor: unknown): boolean {
  if (typeof descriptor !== 'object' || descriptor === null || !('mediaType' in descriptor)) return false;
  return (
    typeof descriptor.mediaType === 'string' && descriptor.mediaType.startsWith('application/vnd.docker.')
  );
}
