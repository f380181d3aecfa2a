import { type Digest, isDigest } from '../../oci/digest.ts';
import type { ReferrerDescriptor } from '../../oci/referrer-descriptor.ts';
import type { TagsAnswer, TagsRequest } from '../../oci/repository-reader.ts';
import { isOutage, registryErrorFor, UpstreamError } from '../upstream/upstream-errors.ts';
import { hasAnything, type MirroredSource, type MirrorParts } from './mirror-parts.ts';
import { toldError } from './told-errors.ts';

/** The lists of a mirrored repository: the upstream's when it answers, else what is here. */
export class MirroredLists {
  readonly #parts: MirrorParts;
  readonly #source: MirroredSource;

  constructor(parts: MirrorParts, source: MirroredSource) {
    this.#parts = parts;
    this.#source = source;
  }

  async tags({ after, limit, signal }: TagsRequest): Promise<TagsAnswer> {
    const { client, upstreamName } = this.#source;
    try {
      const fetch = () => client.listTags({ repository: upstreamName });
      const tags = await this.#parts.tagLists.get(this.#source.stored, { after, fetch });
      const from = after === undefined ? 0 : tags.findIndex((tag) => tag > after);
      const rest = from < 0 ? [] : tags.slice(from);
      return { tags: rest.slice(0, limit), more: rest.length > limit };
    } catch (error) {
      if (!isOutage(error))
        throw toldError(error, { source: this.#source, method: 'GET', wanted: 'repository' });
      const options = after === undefined ? { limit, signal } : { after, limit, signal };
      const page = await this.#parts.storage.tags.list(this.#source.stored, options);
      if (page.tags.length === 0 && !page.more && !(await hasAnything(this.#parts, this.#source.stored))) {
        throw registryErrorFor(error, 'repository');
      }
      return page;
    }
  }

  async referrers(subject: Digest, signal: AbortSignal): Promise<readonly ReferrerDescriptor[]> {
    const { client, upstreamName } = this.#source;
    try {
      const found = await client.listReferrers({ repository: upstreamName, digest: subject, signal });
      return found.filter(isReferrer).sort((a, b) => (a.digest < b.digest ? -1 : 1));
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      return await this.#parts.storage.referrers.list(this.#source.stored, subject);
    }
  }
}

function isReferrer(
  value: Readonly<Record<string, unknown>>,
): value is Readonly<Record<string, unknown>> & ReferrerDescriptor {
  const { mediaType, digest, size } = value;
  return (
    typeof mediaType === 'string' &&
    typeof digest === 'string' &&
    isDigest(digest) &&
    typeof size === 'number'
  );
}
