import { RegistryError } from '../../oci/errors.ts';
import { type Manifest, parseManifest } from '../../oci/manifest.ts';
import type { ManifestAnswer } from '../../oci/repository-reader.ts';
import type { StoredManifest } from '../../storage/manifests.ts';
import type { ManifestHead } from '../upstream/manifest-requests.ts';
import type { ReceivedManifest } from '../upstream/received-manifest.ts';

export function stored({ digest, mediaType, content }: StoredManifest): ManifestAnswer {
  return { digest, mediaType, content, size: content.length };
}

export function received({ digest, mediaType, content }: ReceivedManifest): ManifestAnswer {
  return { digest, mediaType, content, size: content.length };
}

export function headAnswer({ digest, mediaType = '', size = 0 }: ManifestHead): ManifestAnswer {
  return { digest, mediaType, size, content: undefined };
}

/** What a manifest names, where that can be understood: schema 1 and stranger things are passed on as they are. */
export function understood({
  content,
  mediaType,
}: {
  readonly content: Buffer;
  readonly mediaType: string;
}): Manifest {
  try {
    return parseManifest(content);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const nothing = { config: undefined, layers: [], manifests: [], subject: undefined };
    return { mediaType, ...nothing, artifactType: undefined, annotations: undefined };
  }
}
