import { type Digest, digestAlgorithm, digestHex, isDigest } from '../../oci/digest.ts';
import { OCI_IMAGE_INDEX } from '../../oci/media-types.ts';
import { isTag, type Tag } from '../../oci/reference.ts';
import type { BlobQuery } from './blob-requests.ts';
import { nextLink } from './link-header.ts';
import { fetchManifest } from './manifest-requests.ts';
import { readBody } from './read-body.ts';
import { parseObject } from './signed-manifest.ts';
import type { HopResponse } from './transport.ts';
import { UpstreamNotFound, UpstreamWrong } from './upstream-errors.ts';
import type { UpstreamUrl } from './upstream-url.ts';

/** Bytes of one page of a list. */
const PAGE_LIMIT = 16 * 1024 * 1024;
const MOST_PAGES = 500;
/** Bytes of all pages of a list: some hundred thousand of the longest tags. */
const LIST_LIMIT = 64 * 1024 * 1024;

/** Levels of a descriptor; the specification has three. */
const DEEPEST = 32;

export interface ListQuery {
  readonly repository: string;
  readonly signal?: AbortSignal | undefined;
}

/** A descriptor of a referrers list, as the upstream wrote it. */
export type ReferrerDescriptor = Readonly<Record<string, unknown>> & { readonly digest: Digest };

/** Every tag, in no order. @throws UpstreamError */
export async function fetchTags(url: UpstreamUrl, query: ListQuery): Promise<Tag[]> {
  const pages = await fetchPages(url, query, '/tags/list?n=1000');
  return pages.flatMap(({ tags }) => (Array.isArray(tags) ? tags.filter(isTagText) : []));
}

/**
 * Every referrer of a subject: of the referrers API, or of the fallback tag where there is none.
 * @throws UpstreamError
 */
export async function fetchReferrers(url: UpstreamUrl, query: BlobQuery): Promise<ReferrerDescriptor[]> {
  const pages = await fetchReferrerPages(url, query);
  return (pages ?? (await fetchFallback(url, query))).flatMap(descriptorsOf);
}

async function fetchReferrerPages(
  url: UpstreamUrl,
  query: BlobQuery,
): Promise<Readonly<Record<string, unknown>>[] | undefined> {
  try {
    const pages = await fetchPages(url, query, `/referrers/${query.digest}`);
    return pages.every(({ manifests }) => Array.isArray(manifests)) ? pages : undefined;
  } catch (error) {
    // What a registry without the API answers: 404, or an error or page of its own.
    if (error instanceof UpstreamNotFound || error instanceof UpstreamWrong) return undefined;
    throw error;
  }
}

async function fetchFallback(
  url: UpstreamUrl,
  { digest, repository, signal }: BlobQuery,
): Promise<Readonly<Record<string, unknown>>[]> {
  const tag = `${digestAlgorithm(digest).slice(0, 32)}-${digestHex(digest).slice(0, 64)}`;
  if (!isTag(tag)) return [];
  try {
    const manifest = await fetchManifest(url, { repository, reference: { kind: 'tag', tag }, signal });
    const index = parseObject(manifest.content.toString('utf8'));
    return index === undefined ? [] : [index];
  } catch (error) {
    if (error instanceof UpstreamNotFound) return [];
    throw error;
  }
}

function descriptorsOf({ manifests }: Readonly<Record<string, unknown>>): ReferrerDescriptor[] {
  return Array.isArray(manifests) ? manifests.filter(isDescriptor) : [];
}

function isDescriptor(value: unknown): value is ReferrerDescriptor {
  if (typeof value !== 'object' || value === null || !('digest' in value)) return false;
  return typeof value.digest === 'string' && isDigest(value.digest) && isShallow(value, DEEPEST);
}

/** Whether no more than so many levels of objects and lists lie in a value: it goes to clients as JSON. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1));
}

function isTagText(value: unknown): value is Tag {
  return typeof value === 'string' && isTag(value);
}

/** Follows `Link` as long as it stays with the same list. */
async function fetchPages(
  url: UpstreamUrl,
  query: ListQuery,
  first: string,
): Promise<Readonly<Record<string, unknown>>[]> {
  const pages: Readonly<Record<string, unknown>>[] = [];
  const [list = first] = first.split('?');
  let path: string | undefined = first;
  let left = LIST_LIMIT;
  while (path !== undefined && pages.length < MOST_PAGES) {
    const { repository, signal } = query;
    const headers = { accept: `${OCI_IMAGE_INDEX}, application/json` };
    const response: HopResponse = await url.request({
      method: 'GET',
      purpose: 'list',
      repository,
      path,
      headers,
      signal,
    });
    const content = await readBody(url, { response, limit: Math.min(PAGE_LIMIT, left), signal });
    left -= content.length;
    const page = response.status === 200 ? parseObject(content.toString('utf8')) : undefined;
    if (page === undefined) throw new UpstreamWrong(url.where, 'sent something that is no list');
    pages.push(page);
    const next = nextLink(response.headers.link);
    const search: string | undefined =
      next === undefined ? undefined : URL.parse(next, response.url.href)?.search;
    path =
      search === undefined || search === '' || path === `${list}${search}` ? undefined : `${list}${search}`;
  }
  return pages;
}
