import { LRUCache } from 'lru-cache';
import { type Digest, isDigest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';

/**
 * Sizes of blobs as the manifests of their repository tell them: a hint, which lets a large fill begin with a part.
 * What another repository's manifests say counts for nothing: anybody can have written them.
 */
export class BlobSizes {
  readonly #sizes = new LRUCache<string, number>({ max: 50_000 });
  /** Manifests that were read already. */
  readonly #seen = new LRUCache<string, true>({ max: 10_000 });

  get(name: RepositoryName, digest: Digest): number | undefined {
    return this.#sizes.get(`${name}@${digest}`);
  }

  /** Takes the descriptors of a manifest; what is none is passed over. */
  learn(name: RepositoryName, manifest: Digest, content: Buffer): void {
    const key = `${name}@${manifest}`;
    if (this.#seen.has(key)) return;
    this.#seen.set(key, true);
    for (const { digest, size } of namedBlobs(content)) this.#sizes.set(`${name}@${digest}`, size);
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
  const { digest, size } = value;
  return typeof digest === 'string' && isDigest(digest) && Number.isSafeInteger(size) && Number(size) >= 0;
}
