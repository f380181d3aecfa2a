import type { ByteRange } from '../oci/byte-range.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { type Manifest, parseManifest } from '../oci/manifest.ts';
import { formatReference, type Reference, type Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { repositoryFolder } from '../storage/layout.ts';
import type { StoredManifest } from '../storage/manifests.ts';
import type { ReferrerDescriptor } from '../storage/referrers.ts';
import type { RegistryStorage } from '../storage/registry-storage.ts';
import { KeyNotFoundError, StorageFullError, StorageUnavailableError } from '../storage/storage-errors.ts';
import type { BlobSizes } from './blob-sizes.ts';
import type { Fill, Fills } from './fill/fills.ts';
import type { LastPulls } from './last-pulls.ts';
import type {
  BlobContentAnswer,
  LendingRepository,
  ManifestAnswer,
  MirrorReader,
  ReadRequest,
  TagsAnswer,
  TagsRequest,
} from './reader-contract.ts';
import type { Coalesced, TagChecks } from './tag-checks.ts';
import type { ReceivedManifest } from './upstream/received-manifest.ts';
import { TimeoutError } from './upstream/timeout-error.ts';
import type { ManifestHead, UpstreamClient } from './upstream/upstream-client.ts';
import {
  isOutage,
  registryErrorFor,
  UpstreamError,
  UpstreamNotFound,
  type Wanted,
} from './upstream/upstream-errors.ts';
import type { UpstreamLog } from './upstream/upstream-options.ts';

/** What all mirrored repositories share. */
export interface MirrorParts {
  readonly storage: RegistryStorage;
  readonly fills: Fills;
  readonly checks: TagChecks;
  readonly heads: Coalesced<ManifestHead>;
  readonly manifests: Coalesced<ReceivedManifest>;
  readonly tagLists: Coalesced<readonly Tag[]>;
  readonly sizes: BlobSizes;
  readonly pulls: LastPulls;
  readonly log: UpstreamLog;
  /** Milliseconds that a check of a stored tag may take. */
  readonly tagCheck: number;
  /** A URL at which stored bytes can be read without this server. */
  readonly redirect: (content: Digest) => Promise<string | undefined>;
}

export interface MirroredRepositoryOptions {
  readonly client: UpstreamClient;
  /** Milliseconds for which a tag that was checked is served without asking again. */
  readonly tagTtl: number;
  /** The name upstream. */
  readonly upstreamName: string;
  /** The name here. */
  readonly stored: RepositoryName;
  /** It was asked for by a bare name, under which clients also push. */
  readonly bare: boolean;
}

/** A repository of an upstream, as it is read here: what is stored, and what is fetched when it is asked for. */
export class MirroredRepository implements MirrorReader, LendingRepository {
  readonly stored: RepositoryName;
  readonly #parts: MirrorParts;
  readonly #options: MirroredRepositoryOptions;

  constructor(parts: MirrorParts, options: MirroredRepositoryOptions) {
    this.stored = options.stored;
    this.#parts = parts;
    this.#options = options;
  }

  async manifest(reference: Reference, request: ReadRequest): Promise<ManifestAnswer> {
    const answer =
      reference.kind === 'digest'
        ? await this.#byDigest(reference.digest, request)
        : await this.#byTag(reference.tag, request);
    if (answer.content !== undefined) {
      this.#parts.sizes.learn(answer.digest, answer.content);
      if (request.method === 'GET') this.#parts.pulls.note(this.stored, answer.digest);
    }
    return answer;
  }

  async blob(digest: Digest, { method }: ReadRequest): Promise<BlobContentAnswer> {
    const here = await this.#storedBlob(digest);
    if (here !== undefined) return here;
    if (method === 'HEAD' && this.#options.bare && !(await this.#hasAnything()))
      throw this.#unknownBlob(digest);
    try {
      const linked = await this.#blobOfOthers(digest);
      if (linked !== undefined) return linked;
      return method === 'HEAD' ? await this.#headBlob(digest) : answerOf(digest, await this.#fill(digest));
    } catch (error) {
      throw this.#told(error, { method, wanted: 'blob', unknown: () => this.#unknownBlob(digest) });
    }
  }

  async tags({ after, limit, signal }: TagsRequest): Promise<TagsAnswer> {
    const { client, upstreamName } = this.#options;
    try {
      const tags = await this.#parts.tagLists.run(this.stored, async () =>
        (await client.listTags({ repository: upstreamName })).sort(),
      );
      const from = after === undefined ? 0 : tags.findIndex((tag) => tag > after);
      const rest = from < 0 ? [] : tags.slice(from);
      return { tags: rest.slice(0, limit), more: rest.length > limit };
    } catch (error) {
      if (!isOutage(error)) throw this.#told(error, { method: 'GET', wanted: 'repository' });
      const options = after === undefined ? { limit, signal } : { after, limit, signal };
      const page = await this.#parts.storage.tags.list(this.stored, options);
      if (page.tags.length === 0 && !page.more && !(await this.#hasAnything())) {
        throw registryErrorFor(error, 'repository');
      }
      return page;
    }
  }

  async referrers(subject: Digest, signal: AbortSignal): Promise<readonly ReferrerDescriptor[]> {
    const { client, upstreamName } = this.#options;
    try {
      const found = await client.listReferrers({ repository: upstreamName, digest: subject, signal });
      return found.filter(isReferrer).sort((a, b) => (a.digest < b.digest ? -1 : 1));
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      return await this.#parts.storage.referrers.list(this.stored, subject);
    }
  }

  async lendBlob(digest: Digest, to: RepositoryName): Promise<boolean> {
    const { layers } = this.#parts.storage;
    if ((await layers.find(this.stored, digest)) === undefined) {
      try {
        if ((await this.#blobOfOthers(digest)) === undefined) await (await this.#fill(digest)).kept;
      } catch (error) {
        if (error instanceof UpstreamNotFound) return false;
        throw this.#told(error, { method: 'GET', wanted: 'blob' });
      }
    }
    return await layers.mount(digest, { from: this.stored, to });
  }

  async lendManifest(digest: Digest, to: RepositoryName): Promise<boolean> {
    let found: ManifestAnswer;
    try {
      found = await this.#byDigest(digest, { method: 'GET', signal: new AbortController().signal });
    } catch (error) {
      if (error instanceof RegistryError && error.status === 404) return false;
      throw error;
    }
    const { content } = found;
    if (content === undefined) return false;
    const manifest = understood({ ...found, content });
    const blobs = manifest.config === undefined ? manifest.layers : [manifest.config, ...manifest.layers];
    for (const { digest, urls } of blobs) {
      if (!(await this.lendBlob(digest, to)) && urls === undefined) return false;
    }
    for (const { digest } of manifest.manifests) await this.lendManifest(digest, to);
    await this.#parts.storage.manifests.put(to, { digest, content, manifest, tags: [] });
    return true;
  }

  async #byDigest(digest: Digest, { method }: ReadRequest): Promise<ManifestAnswer> {
    const here = await this.#parts.storage.manifests.find(this.stored, { kind: 'digest', digest });
    if (here !== undefined) return stored(here);
    const reference = { kind: 'digest', digest } as const;
    try {
      if (method === 'HEAD') {
        const head = await this.#head(reference);
        if (head.size !== undefined && head.mediaType !== undefined) return headAnswer(head);
      }
      return received(await this.#fetch(reference));
    } catch (error) {
      throw this.#told(error, {
        method,
        wanted: 'manifest',
        unknown: () => this.#unknownManifest(reference),
      });
    }
  }

  async #byTag(tag: Tag, { method }: ReadRequest): Promise<ManifestAnswer> {
    const { checks, storage } = this.#parts;
    const reference = { kind: 'tag', tag } as const;
    const key = `${this.stored}:${tag}`;
    const fresh = checks.fresh(key, this.#options.tagTtl);
    const here = await storage.manifests.find(this.stored, reference);
    if (fresh !== undefined && here?.digest === fresh) return stored(here);
    try {
      if (fresh !== undefined) return await this.#latest({ tag, digest: fresh, method });
      if (here === undefined && method === 'GET') return received(await this.#fetch(reference));
      const head = await this.#head(reference);
      checks.note(key, head.digest);
      if (here?.digest === head.digest) return stored(here);
      if (
        method === 'HEAD' &&
        (await storage.manifests.find(this.stored, { kind: 'digest', digest: head.digest })) === undefined
      ) {
        // Clients go on by digest: what they fetch then is what the tag leads to.
        checks.expect(`${this.stored}@${head.digest}`, tag);
        if (head.size !== undefined && head.mediaType !== undefined) return headAnswer(head);
      }
      return await this.#latest({ tag, digest: head.digest, method });
    } catch (error) {
      if (here !== undefined && isOutage(error)) {
        this.#parts.log.warn(
          { upstream: this.#options.client.name, repository: this.stored, tag, err: error },
          'a stored tag is served, since the upstream fails',
        );
        return {
          ...stored(here),
          warning: `the upstream could not be asked, this is what was stored: ${error.message}`,
        };
      }
      throw this.#told(error, {
        method,
        wanted: 'manifest',
        unknown: () => this.#unknownManifest(reference),
      });
    }
  }

  /** What a tag leads to now: stored already, or fetched; the tag follows. */
  async #latest({ tag, digest }: { tag: Tag; digest: Digest; method: string }): Promise<ManifestAnswer> {
    const { storage } = this.#parts;
    const here = await storage.manifests.find(this.stored, { kind: 'digest', digest });
    if (here === undefined) return received(await this.#fetch({ kind: 'digest', digest }, tag));
    await this.#keeping(() => storage.tags.write(this.stored, tag, digest));
    return stored(here);
  }

  /** A HEAD upstream, once however many ask, whoever of them leaves. */
  #head(reference: Reference): Promise<ManifestHead> {
    const { client, upstreamName } = this.#options;
    const text = formatReference(reference);
    return this.#parts.heads.run(`${this.stored}@${text}`, async () => {
      const within = this.#parts.tagCheck;
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(new TimeoutError(`no answer within ${within} ms`)), within);
      try {
        return await client.headManifest({ repository: upstreamName, reference, signal: abort.signal });
      } finally {
        clearTimeout(timer);
      }
    });
  }

  /** Fetches a manifest and keeps it, with the tag it was asked by. */
  #fetch(
    reference: Reference,
    tag = reference.kind === 'tag' ? reference.tag : undefined,
  ): Promise<ReceivedManifest> {
    const { client, upstreamName } = this.#options;
    const { checks } = this.#parts;
    return this.#parts.manifests.run(`${this.stored}@${formatReference(reference)} ${tag}`, async () => {
      const found = await client.getManifest({ repository: upstreamName, reference });
      const manifest = understood(found);
      const { digest, content } = found;
      const tags = [
        ...new Set([...(tag === undefined ? [] : [tag]), ...checks.expected(`${this.stored}@${digest}`)]),
      ];
      await this.#keeping(() =>
        this.#parts.storage.manifests.put(this.stored, { digest, content, manifest, tags }),
      );
      if (tag !== undefined) checks.note(`${this.stored}:${tag}`, digest);
      return found;
    });
  }

  /** What cannot be kept is served all the same. */
  async #keeping(keep: () => Promise<void>): Promise<void> {
    try {
      await keep();
    } catch (error) {
      if (!(error instanceof StorageFullError) && !(error instanceof StorageUnavailableError)) throw error;
      this.#parts.log.warn({ repository: this.stored, err: error }, 'what was fetched could not be stored');
    }
  }

  async #storedBlob(digest: Digest): Promise<BlobContentAnswer | undefined> {
    const { storage, redirect } = this.#parts;
    const found = await storage.layers.find(this.stored, digest);
    if (found === undefined) return undefined;
    const { contents } = storage;
    return {
      digest,
      size: found.size,
      content: await contents.small(found.content, found.size),
      open: async (range: ByteRange | undefined, signal: AbortSignal) => {
        const reader = await contents.open(
          found.content,
          range === undefined ? { signal } : { range, signal },
        );
        return reader.chunks();
      },
      redirect: () => redirect(found.content),
    };
  }

  /**
   * Bytes that are here, or on their way, for another repository: linked once the upstream has said that this
   * repository has them too.
   * @returns undefined when they have to be fetched
   */
  async #blobOfOthers(digest: Digest): Promise<BlobContentAnswer | undefined> {
    const { storage, fills } = this.#parts;
    const { client, upstreamName } = this.#options;
    const running = await this.#running(digest);
    if (running !== undefined) {
      if (running.stored !== this.stored) {
        await client.headBlob({ repository: upstreamName, digest });
        const link = running.kept.then(() => this.#link(digest));
        link.catch((error: unknown) => {
          this.#parts.log.warn({ repository: this.stored, digest, err: error }, 'a blob could not be linked');
        });
      }
      return fills.find(digest) === undefined ? await this.#storedBlob(digest) : answerOf(digest, running);
    }
    try {
      await storage.contents.sizeInStorage(digest);
      await client.headBlob({ repository: upstreamName, digest });
      await this.#link(digest);
    } catch (error) {
      if (error instanceof KeyNotFoundError) return undefined;
      throw error;
    }
    return await this.#storedBlob(digest);
  }

  /** The fill of another request, unless it cannot begin: then this one asks for itself. */
  async #running(digest: Digest): Promise<Fill | undefined> {
    const running = this.#parts.fills.find(digest);
    try {
      return await running;
    } catch (error) {
      if (error instanceof UpstreamError) return undefined;
      throw error;
    }
  }

  #link(digest: Digest): Promise<void> {
    const { layers, contents } = this.#parts.storage;
    return layers.add(this.stored, digest, async () => {
      await contents.sizeInStorage(digest);
    });
  }

  async #headBlob(digest: Digest): Promise<BlobContentAnswer> {
    const { client, upstreamName } = this.#options;
    const told = await client.headBlob({ repository: upstreamName, digest });
    const size = told ?? this.#parts.sizes.get(digest);
    if (size === undefined) return answerOf(digest, await this.#fill(digest));
    return {
      digest,
      size,
      content: undefined,
      open: async () => {
        throw new Error('a HEAD has no content');
      },
      redirect: async () => undefined,
    };
  }

  #fill(digest: Digest): Promise<Fill> {
    const { client, upstreamName: repository } = this.#options;
    const { fills, sizes } = this.#parts;
    return fills.get({ client, repository, stored: this.stored, digest, expectedSize: sizes.get(digest) });
  }

  async #hasAnything(): Promise<boolean> {
    const { entries } = await this.#parts.storage.driver.list(repositoryFolder(this.stored));
    return entries.some(({ name }) => name === '_manifests' || name === '_layers');
  }

  /**
   * What the client is told. Clients ask by HEAD before they push, and must not be kept from pushing to a bare name
   * by an upstream that cannot be asked.
   */
  #told(
    error: unknown,
    asked: { readonly method: string; readonly wanted: Wanted; readonly unknown?: () => RegistryError },
  ): unknown {
    if (!(error instanceof UpstreamError)) return error;
    if (asked.method === 'HEAD' && this.#options.bare && asked.unknown !== undefined) return asked.unknown();
    return registryErrorFor(error, asked.wanted);
  }

  #unknownManifest(reference: Reference): RegistryError {
    return new RegistryError('MANIFEST_UNKNOWN', {
      message: `no manifest ${formatReference(reference)} in ${this.stored}, nor can one be had now`,
      detail: { name: this.stored, reference: formatReference(reference) },
    });
  }

  #unknownBlob(digest: Digest): RegistryError {
    return new RegistryError('BLOB_UNKNOWN', {
      message: `no blob ${digest} in ${this.stored}`,
      detail: { name: this.stored, digest },
    });
  }
}

function stored({ digest, mediaType, content }: StoredManifest): ManifestAnswer {
  return { digest, mediaType, content, size: content.length };
}

function received({ digest, mediaType, content }: ReceivedManifest): ManifestAnswer {
  return { digest, mediaType, content, size: content.length };
}

function headAnswer({ digest, mediaType = '', size = 0 }: ManifestHead): ManifestAnswer {
  return { digest, mediaType, size, content: undefined };
}

function answerOf(digest: Digest, fill: Fill): BlobContentAnswer {
  return {
    digest,
    size: fill.size,
    content: undefined,
    open: async (range, signal) => fill.read(range ?? { start: 0, end: fill.size - 1 }, signal),
    redirect: async () => undefined,
  };
}

/** What a manifest names, where that can be understood: schema 1 and stranger things are passed on as they are. */
function understood({
  content,
  mediaType,
}: {
  readonly content: Buffer;
  readonly mediaType: string;
}): Manifest {
  try {
    return parseManifest(content);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const nothing = { config: undefined, layers: [], manifests: [], subject: undefined };
    return { mediaType, ...nothing, artifactType: undefined, annotations: undefined };
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
