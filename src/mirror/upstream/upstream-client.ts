import type { ByteRange } from '../../oci/byte-range.ts';
import { type Digest, digestAlgorithm, digestHex, isDigest } from '../../oci/digest.ts';
import { ALL_MANIFEST_TYPES, OCI_IMAGE_INDEX } from '../../oci/media-types.ts';
import { isTag, type Reference, type Tag } from '../../oci/reference.ts';
import { type CarriedBytes, parseContentLength, parseContentRange } from './content-range.ts';
import { nextLink } from './link-header.ts';
import { type ReceivedManifest, receiveManifest } from './received-manifest.ts';
import { matchesRepositoryPattern } from './repository-pattern.ts';
import { discard, type ResponseBody, readWhole } from './response-body.ts';
import { parseObject } from './signed-manifest.ts';
import type { HopResponse } from './transport.ts';
import {
  mostTelling,
  UpstreamError,
  UpstreamNotAllowed,
  UpstreamNotFound,
  UpstreamWrong,
} from './upstream-errors.ts';
import type { UpstreamClientOptions } from './upstream-options.ts';
import { type Purpose, single, type UpstreamRequest, UpstreamUrl } from './upstream-url.ts';

/** Bytes of a manifest that are taken; registries take 4 MiB and some. */
const MANIFEST_LIMIT = 8 * 1024 * 1024;
/** Bytes of one page of a list. */
const PAGE_LIMIT = 16 * 1024 * 1024;
const MOST_PAGES = 500;
const ACCEPT = ALL_MANIFEST_TYPES.join(', ');

/** What a HEAD of a manifest told. */
export interface ManifestHead {
  readonly digest: Digest;
  readonly mediaType: string | undefined;
  /** Bytes. */
  readonly size: number | undefined;
}

/** What is asked at which repository, by its name upstream. */
export interface ManifestQuery {
  readonly repository: string;
  readonly reference: Reference;
  readonly signal?: AbortSignal | undefined;
}

export interface BlobQuery {
  readonly repository: string;
  readonly digest: Digest;
  readonly signal?: AbortSignal | undefined;
}

/** A blob's bytes on their way. */
export interface BlobAnswer {
  /** Which of the blob's bytes `body` carries; undefined: from the first on, to an end that is not told. */
  readonly carried: CarriedBytes | undefined;
  /** Bytes of the whole blob, where the answer tells. */
  readonly total: number | undefined;
  readonly body: ResponseBody;
  /** The URL that sends it. */
  readonly from: UpstreamUrl;
}

/** A descriptor of a referrers list, as the upstream wrote it. */
export type ReferrerDescriptor = Readonly<Record<string, unknown>> & { readonly digest: Digest };

/** One upstream: what is asked of it goes to its URLs in the order of their health until one answers. */
export class UpstreamClient {
  readonly name: string;
  readonly urls: readonly UpstreamUrl[];
  readonly #allow: readonly string[];

  constructor(options: UpstreamClientOptions) {
    this.name = options.name;
    this.urls = options.urls.map((url) => new UpstreamUrl(url, options));
    this.#allow = options.allow ?? ['**'];
  }

  /** Whether the configuration lets the repository be fetched. */
  allows(repository: string): boolean {
    return this.#allow.some((pattern) => matchesRepositoryPattern(pattern, repository));
  }

  /** Why nothing would be sent now; undefined when at least one URL would be asked. */
  unavailable(purpose: Purpose): UpstreamError | undefined {
    const reasons = this.urls.map((url) => url.unavailable(purpose));
    const known = reasons.filter((reason) => reason !== undefined);
    return known.length < reasons.length ? undefined : mostTelling(known);
  }

  /**
   * A HEAD, which Docker Hub does not count; a GET where HEAD is refused or tells no digest.
   * @throws UpstreamError
   */
  async headManifest(query: ManifestQuery): Promise<ManifestHead> {
    return await this.#each('manifest', query, async (url) => {
      const response = await url.request(manifestRequest('HEAD', query));
      await discard(response.body);
      const digest = single(response.headers, 'docker-content-digest');
      if (response.status === 405 || digest === undefined || !isDigest(digest)) {
        const { digest, mediaType, content } = await fetchManifest(url, query);
        return { digest, mediaType, size: content.length };
      }
      if (query.reference.kind === 'digest' && digest !== query.reference.digest) {
        throw new UpstreamWrong(url.where, `answered ${digest} for ${query.reference.digest}`);
      }
      const mediaType = single(response.headers, 'content-type')?.split(';')[0]?.trim();
      return { digest, mediaType, size: parseContentLength(single(response.headers, 'content-length')) };
    });
  }

  /** @throws UpstreamError */
  async getManifest(query: ManifestQuery): Promise<ReceivedManifest> {
    return await this.#each('manifest', query, (url) => fetchManifest(url, query));
  }

  /**
   * @returns the blob's size, undefined where the upstream does not tell
   * @throws UpstreamError
   */
  async headBlob(query: BlobQuery): Promise<number | undefined> {
    return await this.#each('blob', query, async (url) => {
      const response = await url.request(blobRequest('HEAD', query));
      await discard(response.body);
      if (response.status === 405) {
        const answer = await fetchBlob(url, { ...query, range: { start: 0, end: 0 } });
        answer.body.abort();
        return answer.carried?.total;
      }
      return parseContentLength(single(response.headers, 'content-length'));
    });
  }

  /**
   * Begins to fetch a blob, or a range of it, from the first URL that answers. A server may ignore the range:
   * `carried` says what comes.
   * @throws UpstreamError
   */
  async getBlob(
    query: BlobQuery & {
      readonly range?: BlobRange | undefined;
      /** The URLs to ask, in this order. Default: all, by their health. */
      readonly among?: readonly UpstreamUrl[];
    },
  ): Promise<BlobAnswer> {
    return await this.#each('blob', query, (url) => fetchBlob(url, query));
  }

  /** The same from one URL. @throws UpstreamError */
  async getBlobFrom(
    url: UpstreamUrl,
    query: BlobQuery & { readonly range?: BlobRange },
  ): Promise<BlobAnswer> {
    this.#checkAllowed(query.repository);
    return await fetchBlob(url, query);
  }

  /** Every tag, in no order. @throws UpstreamError */
  async listTags(query: { readonly repository: string; readonly signal?: AbortSignal }): Promise<Tag[]> {
    return await this.#each('list', query, async (url) => {
      const pages = await fetchPages(url, query, '/tags/list?n=1000');
      return pages.flatMap(({ tags }) => (Array.isArray(tags) ? tags.filter(isTagText) : []));
    });
  }

  /**
   * Every referrer of a subject: of the referrers API, or of the fallback tag where there is none.
   * @throws UpstreamError
   */
  async listReferrers(query: BlobQuery): Promise<ReferrerDescriptor[]> {
    return await this.#each('list', query, async (url) => {
      const pages = await fetchReferrerPages(url, query);
      return (pages ?? (await fetchFallback(url, query))).flatMap(descriptorsOf);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.urls.map((url) => url.close()));
  }

  /** The URLs that may be asked, those first with which nothing was wrong lately. */
  byHealth(): readonly UpstreamUrl[] {
    return this.urls.toSorted((a, b) => Number(a.troubled) - Number(b.troubled));
  }

  async #each<Result>(
    purpose: Purpose,
    query: { readonly repository: string; readonly among?: readonly UpstreamUrl[] },
    ask: (url: UpstreamUrl) => Promise<Result>,
  ): Promise<Result> {
    this.#checkAllowed(query.repository);
    const errors: UpstreamError[] = [];
    for (const url of query.among ?? this.byHealth()) {
      const unavailable = url.unavailable(purpose);
      if (unavailable !== undefined) {
        errors.push(unavailable);
        continue;
      }
      try {
        return await ask(url);
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        errors.push(error);
      }
    }
    throw mostTelling(errors) ?? new UpstreamWrong(this.name, 'has no URL');
  }

  #checkAllowed(repository: string): void {
    if (this.allows(repository)) return;
    throw new UpstreamNotAllowed(this.name, `this mirror is not configured to fetch ${repository}`);
  }
}

/** Bytes from `start` on, to `end` included or to the last. */
export interface BlobRange {
  readonly start: ByteRange['start'];
  readonly end?: ByteRange['end'] | undefined;
}

function manifestRequest(method: 'GET' | 'HEAD', query: ManifestQuery): UpstreamRequest {
  const { repository, reference, signal } = query;
  const text = reference.kind === 'tag' ? reference.tag : reference.digest;
  return {
    method,
    purpose: 'manifest',
    repository,
    path: `/manifests/${text}`,
    headers: { accept: ACCEPT },
    signal,
  };
}

async function fetchManifest(url: UpstreamUrl, query: ManifestQuery): Promise<ReceivedManifest> {
  const response = await url.request(manifestRequest('GET', query));
  const content = await readBody(url, { response, limit: MANIFEST_LIMIT, signal: query.signal });
  if (response.status !== 200)
    throw new UpstreamWrong(url.where, `answered ${response.status} for a manifest`);
  const received = receiveManifest(content, {
    contentType: single(response.headers, 'content-type'),
    digestHeader: single(response.headers, 'docker-content-digest'),
    asked: query.reference.kind === 'digest' ? query.reference.digest : undefined,
  });
  if (typeof received === 'string') throw new UpstreamWrong(url.where, received);
  return received;
}

function blobRequest(method: 'GET' | 'HEAD', query: BlobQuery & { readonly range?: BlobRange | undefined }) {
  const { repository, digest, signal, range } = query;
  const headers = range === undefined ? undefined : { range: `bytes=${range.start}-${range.end ?? ''}` };
  return { method, purpose: 'blob', repository, path: `/blobs/${digest}`, headers, signal } as const;
}

async function fetchBlob(
  url: UpstreamUrl,
  query: BlobQuery & { readonly range?: BlobRange | undefined },
): Promise<BlobAnswer> {
  const { status, headers, body } = await url.request(blobRequest('GET', query));
  const wrong = (why: string): UpstreamWrong => {
    body.abort();
    return new UpstreamWrong(url.where, why);
  };
  const encoding = single(headers, 'content-encoding');
  if (encoding !== undefined && encoding !== 'identity') throw wrong(`sent a blob in ${encoding}`);
  if (status === 200) {
    const total = parseContentLength(single(headers, 'content-length'));
    const carried = total === undefined || total === 0 ? undefined : { start: 0, end: total - 1, total };
    return { carried, total, body, from: url };
  }
  if (status !== 206 || query.range === undefined) throw wrong(`answered ${status} for a blob`);
  const carried = parseContentRange(single(headers, 'content-range'));
  // More than was asked for does no harm.
  if (carried === undefined || carried.start !== query.range.start) {
    throw wrong('sent another range than was asked for');
  }
  return { carried, total: carried.total, body, from: url };
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
  return typeof value.digest === 'string' && isDigest(value.digest);
}

function isTagText(value: unknown): value is Tag {
  return typeof value === 'string' && isTag(value);
}

/** Follows `Link` as long as it stays with the same list. */
async function fetchPages(
  url: UpstreamUrl,
  query: { readonly repository: string; readonly signal?: AbortSignal | undefined },
  first: string,
): Promise<Readonly<Record<string, unknown>>[]> {
  const pages: Readonly<Record<string, unknown>>[] = [];
  const [list = first] = first.split('?');
  let path: string | undefined = first;
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
    const content = await readBody(url, { response, limit: PAGE_LIMIT, signal });
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

async function readBody(
  url: UpstreamUrl,
  { response, limit, signal }: { response: HopResponse; limit: number; signal: AbortSignal | undefined },
): Promise<Buffer> {
  try {
    return await readWhole(response.body, limit);
  } catch (error) {
    throw url.bodyError(error, signal);
  }
}
