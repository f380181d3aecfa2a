import type { Digest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { Descriptor } from '../../oci/manifest.ts';
import type { Reference } from '../../oci/reference.ts';
import type { ReferrerDescriptor } from '../../oci/referrer-descriptor.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type {
  BlobAnswer,
  ManifestAnswer,
  ReadRequest,
  RepositoryReader,
  TagsAnswer,
  TagsRequest,
} from '../../oci/repository-reader.ts';
import type { LendingRepository } from '../../oci/repository-resolver.ts';
import { understood } from './manifest-answers.ts';
import type { MirroredSource, MirrorParts } from './mirror-parts.ts';
import { MirroredBlobs } from './mirrored-blobs.ts';
import { MirroredLists } from './mirrored-lists.ts';
import { MirroredManifests } from './mirrored-manifests.ts';

/** Manifests that one push may have lent, those that they name included. */
const MOST_LENT = 1_000;

/**
 * A repository of an upstream, as it is read here: what is stored, and what is fetched when it is asked for. One for
 * each request.
 */
export class MirroredRepository implements RepositoryReader, LendingRepository {
  readonly stored: RepositoryName;
  readonly #parts: MirrorParts;
  readonly #manifests: MirroredManifests;
  readonly #blobs: MirroredBlobs;
  readonly #lists: MirroredLists;
  /** Manifests that were lent: indexes may name one another's again and again. */
  readonly #lent = new Map<string, Promise<boolean>>();

  constructor(parts: MirrorParts, source: MirroredSource) {
    this.stored = source.stored;
    this.#parts = parts;
    this.#manifests = new MirroredManifests(parts, source);
    this.#blobs = new MirroredBlobs(parts, source);
    this.#lists = new MirroredLists(parts, source);
  }

  async manifest(reference: Reference, request: ReadRequest): Promise<ManifestAnswer> {
    const answer =
      reference.kind === 'digest'
        ? await this.#manifests.byDigest(reference.digest, request)
        : await this.#manifests.byTag(reference.tag, request);
    if (answer.content !== undefined) {
      this.#parts.sizes.learn(this.stored, answer.digest, answer.content);
      if (request.method === 'GET') this.#parts.pulls.note(this.stored, answer.digest);
    }
    return answer;
  }

  blob(digest: Digest, request: ReadRequest): Promise<BlobAnswer> {
    return this.#blobs.read(digest, request);
  }

  tags(request: TagsRequest): Promise<TagsAnswer> {
    return this.#lists.tags(request);
  }

  referrers(subject: Digest, signal: AbortSignal): Promise<readonly ReferrerDescriptor[]> {
    return this.#lists.referrers(subject, signal);
  }

  async lendBlob(digest: Digest, to: RepositoryName): Promise<boolean> {
    if (!(await this.#blobs.bring(digest))) return false;
    return await this.#parts.storage.layers.mount(digest, { from: this.stored, to });
  }

  lendManifest(digest: Digest, to: RepositoryName): Promise<boolean> {
    const key = `${to}@${digest}`;
    const before = this.#lent.get(key);
    if (before !== undefined) return before;
    if (this.#lent.size >= MOST_LENT) return Promise.resolve(false);
    const lending = this.#lend(digest, to);
    this.#lent.set(key, lending);
    return lending;
  }

  async #lend(digest: Digest, to: RepositoryName): Promise<boolean> {
    let found: ManifestAnswer;
    try {
      found = await this.#manifests.byDigest(digest, { method: 'GET', signal: new AbortController().signal });
    } catch (error) {
      if (error instanceof RegistryError && error.status === 404) return false;
      throw error;
    }
    const { content } = found;
    if (content === undefined) return false;
    const manifest = understood({ ...found, content });
    const blobs = manifest.config === undefined ? manifest.layers : [manifest.config, ...manifest.layers];
    for (const { digest, urls } of distinct(blobs)) {
      if (!(await this.lendBlob(digest, to)) && urls === undefined) return false;
    }
    for (const { digest } of distinct(manifest.manifests)) await this.lendManifest(digest, to);
    await this.#parts.storage.manifests.put(to, { digest, content, manifest, tags: [] });
    return true;
  }
}

function distinct(named: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(named.map((one) => [one.digest, one])).values()];
}
