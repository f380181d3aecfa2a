import type { Digest } from '../oci/digest.ts';
import { parseRepositoryName, type RepositoryName } from '../oci/repository-name.ts';
import { BlobBeingDeletedError } from '../storage/linking.ts';
import { KeyNotFoundError } from '../storage/storage-errors.ts';
import { queryValue } from './answers.ts';
import { record } from './audit.ts';
import type { RepositoryExchange } from './registry-api.ts';

/** Repositories looked through for a blob when none is known to have it. */
const MOST_LOOKED_THROUGH = 1_000;

/**
 * end-11: links a blob of another repository that the caller may read, the one in `from`, else any.
 * @returns false when an upload has to take the place of the mount
 */
export async function mountBlob(exchange: RepositoryExchange, digest: Digest): Promise<boolean> {
  const { api, ctx, repository } = exchange;
  const { layers, references } = api.storage;
  const from = queryValue(ctx, 'from');
  try {
    if (await references.keepBlob(repository.stored, digest)) return true;
    const source =
      from === undefined || from === ''
        ? await findSource(exchange, digest)
        : await namedSource(exchange, from);
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
async function namedSource(exchange: RepositoryExchange, from: string): Promise<RepositoryName | undefined> {
  const name = parseRepositoryName(from);
  return mayRead(exchange, name) ? name : undefined;
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
