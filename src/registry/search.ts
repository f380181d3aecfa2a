import type { Middleware } from 'koa';
import type { Grant } from '../oci/access.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { answerJson, clientSignal, queryValue } from './answers.ts';
import type { RegistryApi, RegistryContext, RequestState } from './registry-api.ts';

/** What is searched: all names, in any order. */
export interface SearchedNames {
  names(options: { readonly signal: AbortSignal }): AsyncIterable<RepositoryName>;
}

type SearchParts = Pick<RegistryApi, 'authorizer' | 'isMirrored'> & { readonly catalog: SearchedNames };

const DEFAULT_RESULTS = 25;
const MOST_RESULTS = 100;

/**
 * `/v1/_ping` and `/v1/search`, which `docker search HOST/term` and `podman search` ask: what is left of the first
 * registry API. Every other path goes on.
 */
export function searchRoutes(parts: SearchParts): Middleware<RequestState> {
  return async (ctx, next) => {
    if (ctx.path === '/v1/_ping') {
      ctx.set('X-Docker-Registry-Standalone', 'true');
      answerJson(ctx, { standalone: true });
      return;
    }
    if (ctx.path !== '/v1/search') return next();
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      throw new RegistryError('UNSUPPORTED', { headers: { allow: 'GET, HEAD' } });
    }
    const grant = await authorizeSearch(ctx, parts);
    const query = queryValue(ctx, 'q') ?? '';
    const results = await find(ctx, { ...parts, grant, query, most: countOf(queryValue(ctx, 'n')) });
    answerJson(ctx, { query, num_results: results.length, results });
  };
}

/**
 * podman asks without credentials and takes a 200 for all there is; after a 404 it asks the catalog, with a token.
 * docker says by a header that it would take one, and can do nothing with a challenge.
 */
async function authorizeSearch(ctx: RegistryContext, { authorizer }: SearchParts): Promise<Grant> {
  const { caller } = ctx.state;
  if (caller.authorization !== undefined) return authorizer.authorize(caller, []);
  const takesToken = ctx.get('X-Docker-Token') !== '';
  if (takesToken && authorizer.anonymous !== undefined) return authorizer.anonymous;
  try {
    return await authorizer.authorize(caller, []);
  } catch (error) {
    const isChallenge = error instanceof RegistryError && error.code === 'UNAUTHORIZED';
    if (isChallenge && !takesToken) {
      throw new RegistryError('NOT_FOUND', { message: 'log in to search, or list the catalog with a token' });
    }
    throw error;
  }
}

interface Search extends SearchParts {
  readonly grant: Grant;
  readonly query: string;
  readonly most: number;
}

/** One repository as docker and podman want it; nobody counts stars here. */
interface SearchResult {
  readonly name: RepositoryName;
  readonly description: string;
  readonly star_count: number;
  readonly is_official: boolean;
  readonly is_automated: boolean;
  readonly is_trusted: boolean;
}

async function find(ctx: RegistryContext, search: Search): Promise<readonly SearchResult[]> {
  const { catalog, grant, isMirrored, most } = search;
  const term = search.query.toLowerCase();
  const results: SearchResult[] = [];
  for await (const name of catalog.names({ signal: clientSignal(ctx) })) {
    if (results.length >= most) break;
    if (!name.includes(term)) continue;
    if (!grant.sees({ type: 'repository', resolved: name, mirrored: isMirrored(name) })) continue;
    results.push({
      name,
      description: '',
      star_count: 0,
      is_official: false,
      is_automated: false,
      is_trusted: false,
    });
  }
  return results;
}

/** 1 to 100; what is no number is taken for none, as the first API did. */
function countOf(text: string | undefined): number {
  const count = Number(text ?? DEFAULT_RESULTS);
  return Number.isInteger(count) && count > 0 ? Math.min(count, MOST_RESULTS) : DEFAULT_RESULTS;
}
