import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { Descriptor, Manifest } from '../oci/manifest.ts';
import type { LendingRepository } from '../oci/repository-resolver.ts';
import { mapBounded } from '../storage/bounded.ts';
import type { ManifestRules } from './manifest-rules.ts';
import type { RepositoryExchange } from './registry-api.ts';

const CHECKED_AT_A_TIME = 16;

/**
 * Whether the repository has what the manifest names: config and layers, and the children of an index. A subject
 * may be missing (specification "Pushing Manifests with Subject"), and so may a layer with `urls`. What is named
 * and here is kept from garbage collection, whether it must be here or not.
 * @throws RegistryError MANIFEST_BLOB_UNKNOWN with every digest that is missing; MANIFEST_INVALID for a URL that is
 * not allowed
 */
export async function checkManifest(exchange: RepositoryExchange, manifest: Manifest): Promise<void> {
  const { api, repository } = exchange;
  const name = repository.stored;
  const lender = lenderFor(exchange);
  const rules = api.settings.manifests;
  const { references } = api.storage;
  const { required, optional } = namedBy(manifest, rules);
  if (!rules.disabled) for (const layer of manifest.layers) checkUrls(layer, rules);
  const missing = [
    ...(await missingOf(
      required.blobs,
      async (digest) =>
        (await references.keepBlob(name, digest)) || (await lender?.lendBlob(digest, name)) === true,
    )),
    ...(await missingOf(
      required.contents,
      async (digest) =>
        (await references.keepContent(name, digest)) || (await lender?.lendManifest(digest, name)) === true,
    )),
  ];
  if (missing.length > 0) {
    throw new RegistryError('MANIFEST_BLOB_UNKNOWN', {
      message: `${name} does not have what the manifest names: push ${missing.slice(0, 5).join(', ')} first`,
      detail: missing.slice(0, 100).map((digest) => ({ digest })),
    });
  }
  await mapBounded(optional, CHECKED_AT_A_TIME, ({ digest }) => references.keepIfHere(digest));
}

interface Named {
  readonly required: { readonly blobs: readonly Descriptor[]; readonly contents: readonly Descriptor[] };
  readonly optional: readonly Descriptor[];
}

function namedBy(manifest: Manifest, rules: ManifestRules): Named {
  const { config, layers, manifests, subject } = manifest;
  const blobs = config === undefined ? layers : [config, ...layers];
  const subjects = subject === undefined ? [] : [subject];
  if (rules.disabled) {
    return { required: { blobs: [], contents: [] }, optional: [...blobs, ...manifests, ...subjects] };
  }
  const isElsewhere = (layer: Descriptor): boolean => layer.urls !== undefined && layer !== config;
  const isOptional = (child: Descriptor): boolean => !mustBeHere(child, rules);
  return {
    required: {
      blobs: blobs.filter((blob) => !isElsewhere(blob)),
      contents: manifests.filter((child) => !isOptional(child)),
    },
    optional: [...blobs.filter(isElsewhere), ...manifests.filter(isOptional), ...subjects],
  };
}

/** The mirrored namesake of a bare name, whose content the caller may pull. */
function lenderFor({ repository, grant }: RepositoryExchange): LendingRepository | undefined {
  const { namesake } = repository;
  if (namesake === undefined) return undefined;
  const mayPull = grant.allows({ type: 'repository', resolved: namesake.stored, mirrored: true }, 'pull');
  return mayPull ? namesake : undefined;
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
