import {
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  isMediaType,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
} from './media-types.ts';

/**
 * The media type of a manifest that lies in the storage, which keeps none: its own `mediaType`, else what its
 * fields tell. Never throws: what other registries took in is served as it is.
 */
export function storedMediaType(content: Uint8Array): string {
  let fields: unknown;
  try {
    fields = JSON.parse(new TextDecoder().decode(content));
  } catch {
    return 'application/octet-stream';
  }
  if (typeof fields !== 'object' || fields === null) return 'application/octet-stream';
  if ('mediaType' in fields && typeof fields.mediaType === 'string' && isMediaType(fields.mediaType)) {
    return fields.mediaType;
  }
  if ('schemaVersion' in fields && fields.schemaVersion === 1) {
    return 'signatures' in fields ? DOCKER_SCHEMA1_SIGNED : DOCKER_SCHEMA1;
  }
  return 'manifests' in fields ? OCI_IMAGE_INDEX : OCI_IMAGE_MANIFEST;
}
