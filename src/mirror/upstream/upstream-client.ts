import type { Tag } from '../../oci/reference.ts';
import { type BlobAnswer, type BlobPartQuery, type BlobQuery, fetchBlob, headBlob } from './blob-requests.ts';
import { fetchReferrers, fetchTags, type ListQuery, type ReferrerDescriptor } from './list-requests.ts';
import {
  fetchManifest,
  headManifest,
  type ManifestHead,
  type ManifestHeadQuery,
  type ManifestQuery,
} from './manifest-requests.ts';
import type { ReceivedManifest } from './received-manifest.ts';
import { matchesRepositoryPattern } from './repository-pattern.ts';
import { mostTelling, UpstreamError, UpstreamNotAllowed, UpstreamWrong } from './upstream-errors.ts';
import type { UpstreamClientOptions } from './upstream-options.ts';
import { UpstreamUrl } from './upstream-url.ts';
import type { Purpose } from './url-health.ts';

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

  /** Whether a URL would be asked now with which nothing was wrong lately. */
  isWell(purpose: Purpose): boolean {
    return this.urls.some((url) => !url.troubled && url.unavailable(purpose) === undefined);
  }

  /** Why nothing would be sent now; undefined when at least one URL would be asked. */
  unavailable(purpose: Purpose): UpstreamError | undefined {
    const reasons = this.urls.map((url) => url.unavailable(purpose));
    const known = reasons.filter((reason) => reason !== undefined);
    return known.length < reasons.length ? undefined : mostTelling(known);
  }

  /**
   * A HEAD, which Docker Hub does not count; where HEAD is refused or tells no digest a GET, of no more than what is
   * not known.
   * @throws UpstreamError
   */
  async headManifest(query: ManifestHeadQuery): Promise<ManifestHead> {
    this.#lookAgain(query);
    return await this.#each('manifest', query, (url) => headManifest(url, query));
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
    return await this.#each('blob', query, (url) => headBlob(url, query));
  }

  /**
   * Begins to fetch a blob, or a range of it, from the first URL that answers. A server may ignore the range:
   * `carried` says what comes.
   * @throws UpstreamError
   */
  async getBlob(
    query: Omit<BlobPartQuery, 'shortcut'> & {
      /** The URLs to ask, in this order. Default: all, by their health. */
      readonly among?: readonly UpstreamUrl[];
    },
  ): Promise<BlobAnswer> {
    return await this.#each('blob', query, (url) => fetchBlob(url, query));
  }

  /** The same from one URL. @throws UpstreamError */
  async getBlobFrom(url: UpstreamUrl, query: BlobPartQuery): Promise<BlobAnswer> {
    this.#checkAllowed(query.repository);
    return await fetchBlob(url, query);
  }

  /** Every tag, in no order. @throws UpstreamError */
  async listTags(query: ListQuery): Promise<Tag[]> {
    return await this.#each('list', query, (url) => fetchTags(url, query));
  }

  /** Every referrer of a subject. @throws UpstreamError */
  async listReferrers(query: BlobQuery): Promise<ReferrerDescriptor[]> {
    return await this.#each('list', query, (url) => fetchReferrers(url, query));
  }

  async close(): Promise<void> {
    await Promise.all(this.urls.map((url) => url.close()));
  }

  /** The URLs that may be asked, those first with which nothing was wrong lately. */
  byHealth(): readonly UpstreamUrl[] {
    return this.urls.toSorted((a, b) => Number(a.troubled) - Number(b.troubled));
  }

  /**
   * Asks what failed a while ago along with a URL that works, so that nobody waits for it, and the first in the list
   * is the first to be asked again. A HEAD costs nothing; whoever refuses it is asked when the others fail.
   */
  #lookAgain({ repository, reference, known }: ManifestHeadQuery): void {
    if (!this.allows(repository) || this.urls.every(({ troubled }) => troubled)) return;
    for (const url of this.urls) {
      if (!url.due || url.missingHeads.expected || url.unavailable('manifest') !== undefined) continue;
      // How it ends is kept by the URL.
      headManifest(url, { repository, reference, known }).catch(() => {});
    }
  }

  async #each<Result>(
    purpose: Purpose,
    query: {
      readonly repository: string;
      readonly among?: readonly UpstreamUrl[];
      readonly insist?: true | undefined;
      readonly signal?: AbortSignal | undefined;
    },
    ask: (url: UpstreamUrl) => Promise<Result>,
  ): Promise<Result> {
    this.#checkAllowed(query.repository);
    const errors: UpstreamError[] = [];
    for (const url of query.among ?? this.byHealth()) {
      const unavailable = url.unavailable(purpose, query.insist);
      if (unavailable !== undefined) {
        errors.push(unavailable);
        continue;
      }
      try {
        return await ask(url);
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        errors.push(error);
        // The time was for all URLs together: those that are left are not to blame.
        if (query.signal?.aborted === true) break;
      }
    }
    throw mostTelling(errors) ?? new UpstreamWrong(this.name, 'has no URL');
  }

  #checkAllowed(repository: string): void {
    if (this.allows(repository)) return;
    throw new UpstreamNotAllowed(this.name, `this mirror is not configured to fetch ${repository}`);
  }
}
