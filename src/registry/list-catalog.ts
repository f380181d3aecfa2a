import type { Grant } from '../oci/access.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { answerJson, clientSignal } from './answers.ts';
import { parsePage, setNextLink } from './pagination.ts';
import type { RegistryApi, RegistryContext } from './registry-api.ts';

/** GET /v2/_catalog: the repositories that the caller may pull. */
export async function listCatalog(
  ctx: RegistryContext,
  { api, grant }: { api: RegistryApi; grant: Grant },
): Promise<void> {
  const { limit, after } = parsePage(ctx, api.settings.maxCatalogEntries);
  const repositories: RepositoryName[] = [];
  let more = false;
  if (limit > 0) {
    const options = {
      wanted: limit,
      signal: clientSignal(ctx),
      ...(after === undefined ? {} : { after }),
    };
    for await (const name of api.storage.catalog.names(options)) {
      if (!grant.sees({ type: 'repository', resolved: name, mirrored: api.isMirrored(name) })) continue;
      more = repositories.length === limit;
      if (more) break;
      repositories.push(name);
    }
  }
  const last = repositories.at(-1);
  if (more && last !== undefined) setNextLink(ctx, { last, limit, path: '/v2/_catalog' });
  answerJson(ctx, { repositories });
}
