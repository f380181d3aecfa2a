import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Descriptor, Manifest } from '../oci/manifest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { mapBounded } from '../storage/bounded.ts';
import type { ManifestRules } from './manifest-rules.ts';
import type { RegistryApi } from './registry-api.ts';

const CHECKED_AT_A_TIME = 16;

/**
 * Whether the repository has what the manifest names: config and layers, and the children of an index. A subject
 * may be missing (specification "Pushing Manifests with Subject"), and so may a layer with `urls`.
 * @throws RegistryError MANIFEST_BLOB_UNKNOWN with every digest that is missing; MANIFEST_INVALID for a URL that is
 * not allowed
 */
export async function checkManifest(
  api: RegistryApi,
  name: RepositoryName,
  manifest: Manifest,
): Promise<void> {
  const rules = api.settings.manifests;
  if (rules.disabled) return;
  for (const layer of manifest.layers) checkUrls(layer, rules);
  const config = manifest.config === undefined ? [] : [manifest.config];
  const blobs = [...config, ...manifest.layers.filter((layer) => layer.urls === undefined)];
  const children = manifest.manifests.filter((child) => mustBeHere(child, rules));
  const missing = [
    ...(await missingOf(blobs, (digest) => api.storage.references.keepBlob(name, digest))),
    ...(await missingOf(children, (digest) => api.storage.references.keepContent(name, digest))),
  ];
  if (missing.length === 0) return;
  throw new RegistryError('MANIFEST_BLOB_UNKNOWN', {
    message: `${name} does not have what the manifest names: push ${missing.slice(0, 5).join(', ')} first`,
    detail: missing.slice(0, 100).map((digest) => ({ digest })),
  });
}

async function missingOf(
  named: readonly Descriptor[],
  isHere: (digest: Digest) => Promise<boolean>,
): Promise<readonly Digest[]> {
  const digests = [...new Set(named.map(({ digest }) => digest))];
  const here = await mapBounded(digests, CHECKED_AT_A_TIME, isHere);
  return digests.filter((_, index) => here[index] !== true);
}

function mustBeHere(child: Descriptor, { indexes }: ManifestRules): boolean {
  if (indexes.platforms === 'all') return true;
  if (indexes.platforms === 'none') return false;
  const { platform } = child;
  return indexes.list.some(
    ({ os, architecture }) => platform?.os === os && platform.architecture === architecture,
  );
}

function checkUrls(layer: Descriptor, { urls }: ManifestRules): void {
  for (const url of layer.urls ?? []) {
    const allowed = urls.allow.length === 0 || urls.allow.some((pattern) => pattern.test(url));
    const denied = urls.deny.some((pattern) => pattern.test(url));
    if (!allowed || denied) {
      throw new RegistryError('MANIFEST_INVALID', {
        message: `manifest invalid: the URL ${url.slice(0, 200)} of layer ${layer.digest} is not allowed here`,
      });
    }
  }
}
