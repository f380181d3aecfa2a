import { type Digest, parseDigest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { parseRepositoryName, type RepositoryName } from '../oci/repository-name.ts';
import type { ResolvedRepository } from '../oci/repository-resolver.ts';
import { BlobBeingDeletedError } from '../storage/linking.ts';
import { KeyNotFoundError } from '../storage/storage-errors.ts';
import { queryValue } from './answers.ts';
import { record } from './audit.ts';
import type { RegistryApi, RegistryContext, RepositoryExchange } from './registry-api.ts';

/** Repositories looked through for a blob when none is known to have it. */
const MOST_LOOKED_THROUGH = 1_000;

/**
 * The repository that a mount names in `from`, found as every other name is.
 * @returns undefined where the request is no mount, names no source, or one that leads nowhere
 * @throws RegistryError NAME_INVALID, DIGEST_INVALID
 */
export async function resolveMountSource(
  ctx: RegistryContext,
  { api, ns }: { readonly api: RegistryApi; readonly ns: string | undefined },
): Promise<ResolvedRepository | undefined> {
  const mount = queryValue(ctx, 'mount');
  const from = queryValue(ctx, 'from');
  if (mount === undefined || from === undefined || from === '') return undefined;
  try {
    return await api.resolver.resolve({
      name: parseRepositoryName(from),
      ns,
      caller: ctx.state.caller,
      pathPrefix: ctx.state.registryPrefix,
      intent: 'read',
      blob: parseDigest(mount),
    });
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'NAME_UNKNOWN') return undefined;
    throw error;
  }
}

/**
 * end-11: links a blob of another repository that the caller may read, the one in `from`, else any.
 * @returns false when an upload has to take the place of the mount
 */
export async function mountBlob(exchange: RepositoryExchange, digest: Digest): Promise<boolean> {
  const { api, ctx, repository } = exchange;
  const { layers, references } = api.storage;
  const from = queryValue(ctx, 'from');
  try {
    if (await references.keepBlob(repository.stored, digest, { inStorage: true })) return true;
    const source =
      from === undefined || from === '' ? await findSource(exchange, digest) : readableSource(exchange);
    if (source === undefined) return false;
    if (!(await layers.mount(digest, { from: source, to: repository.stored }))) return false;
  } catch (error) {
    if (error instanceof BlobBeingDeletedError || error instanceof KeyNotFoundError) return false;
    throw error;
  }
  record(exchange, { audit: 'push', reference: digest });
  return true;
}

/** The repository that the client names, if the caller may read it. */
function readableSource({ grant, mountSource }: RepositoryExchange): RepositoryName | undefined {
  if (mountSource === undefined) return undefined;
  const { stored, mirrored } = mountSource;
  return grant.allows({ type: 'repository', resolved: stored, mirrored }, 'pull') ? stored : undefined;
}

async function findSource(exchange: RepositoryExchange, digest: Digest): Promise<RepositoryName | undefined> {
  const { layers, contents, catalog } = exchange.api.storage;
  const has = async (name: RepositoryName): Promise<boolean> =>
    mayRead(exchange, name) && (await layers.find(name, digest)) !== undefined;
  for (const name of layers.likelyHomes(digest)) {
    if (await has(name)) return name;
  }
  await contents.sizeInStorage(digest);
  let looked = 0;
  for await (const name of catalog.names()) {
    if (await has(name)) return name;
    looked += 1;
    if (looked >= MOST_LOOKED_THROUGH) break;
  }
  return undefined;
}

function mayRead({ api, grant }: RepositoryExchange, name: RepositoryName): boolean {
  return grant.allows({ type: 'repository', resolved: name, mirrored: api.isMirrored(name) }, 'pull');
}
