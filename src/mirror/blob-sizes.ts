import { LRUCache } from 'lru-cache';
import { type Digest, isDigest } from '../oci/digest.ts';

/** Sizes of blobs as manifests that passed by tell them: a hint, which lets a large fill begin with a part. */
export class BlobSizes {
  readonly #sizes = new LRUCache<Digest, number>({ max: 50_000 });
  /** Manifests that were read already. */
  readonly #seen = new LRUCache<Digest, true>({ max: 10_000 });

  get(digest: Digest): number | undefined {
    return this.#sizes.get(digest);
  }

  /** Takes the descriptors of a manifest; what is none is passed over. */
  learn(digest: Digest, content: Buffer): void {
    if (this.#seen.has(digest)) return;
    this.#seen.set(digest, true);
    for (const { digest, size } of namedBlobs(content)) this.#sizes.set(digest, size);
  }
}

interface NamedBlob {
  readonly digest: Digest;
  readonly size: number;
}

/** Config and layers of a manifest, as far as they can be read. */
function namedBlobs(content: Buffer): NamedBlob[] {
  let manifest: unknown;
  try {
    manifest = JSON.parse(content.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
  if (typeof manifest !== 'object' || manifest === null) return [];
  const config = 'config' in manifest ? manifest.config : undefined;
  const layers = 'layers' in manifest && Array.isArray(manifest.layers) ? manifest.layers : [];
  return [config, ...layers].filter(isNamedBlob);
}

function isNamedBlob(value: unknown): value is NamedBlob {
  if (typeof value !== 'object' || value === null || !('digest' in value) || !('size' in value)) return false;
  return typeof value.digest === 'string' && isDigest(value.digest) && typeof value.size === 'number';
}
