import type { ByteRange } from '../oci/byte-range.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { formatReference, type Reference } from '../oci/reference.ts';
import type { ReferrerDescriptor } from '../oci/referrer-descriptor.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type {
  BlobAnswer,
  ManifestAnswer,
  RepositoryReader,
  TagsAnswer,
  TagsRequest,
} from '../oci/repository-reader.ts';
import type { RepositoryResolver, ResolvedRepository, ResolveRequest } from '../oci/repository-resolver.ts';
import type { RegistryStorage } from '../storage/registry-storage.ts';

/** Gives a URL at which the bytes of a blob can be read without this server; undefined where there is none. */
export type BlobRedirect = (content: Digest) => Promise<string | undefined>;

/** A repository whose content was pushed here. */
export class HostedRepository implements RepositoryReader {
  readonly #storage: RegistryStorage;
  readonly #name: RepositoryName;
  readonly #redirect: BlobRedirect;

  constructor(storage: RegistryStorage, name: RepositoryName, redirect: BlobRedirect) {
    this.#storage = storage;
    this.#name = name;
    this.#redirect = redirect;
  }

  async manifest(reference: Reference): Promise<ManifestAnswer> {
    const found = await this.#storage.manifests.find(this.#name, reference);
    if (found === undefined) {
      throw new RegistryError('MANIFEST_UNKNOWN', {
        message: `no manifest ${formatReference(reference)} in ${this.#name}`,
        detail: { name: this.#name, reference: formatReference(reference) },
      });
    }
    return { ...found, size: found.content.length };
  }

  async blob(digest: Digest): Promise<BlobAnswer> {
    const { contents, layers } = this.#storage;
    const found = await layers.find(this.#name, digest);
    if (found === undefined) throw this.#noBlob(digest);
    const { content } = found;
    const missing = (error: unknown): never => {
      layers.takeForMissing(this.#name, { digest, content, error });
      throw this.#noBlob(digest, error);
    };
    return {
      digest,
      size: found.size,
      content: await contents.small(content, found.size).catch(missing),
      open: async (range: ByteRange | undefined, signal: AbortSignal) => {
        const options = range === undefined ? { signal } : { range, signal };
        const reader = await contents.open(content, options).catch(missing);
        return reader.chunks();
      },
      redirect: () => this.#redirect(content),
    };
  }

  #noBlob(digest: Digest, cause?: unknown): RegistryError {
    return new RegistryError('BLOB_UNKNOWN', {
      message: `no blob ${digest} in ${this.#name}`,
      detail: { name: this.#name, digest },
      cause,
    });
  }

  async tags({ after, limit, signal }: TagsRequest): Promise<TagsAnswer> {
    const options = after === undefined ? { limit, signal } : { after, limit, signal };
    const page = await this.#storage.tags.list(this.#name, options);
    if (page.tags.length === 0 && !page.more && !(await this.#storage.catalog.has(this.#name))) {
      throw new RegistryError('NAME_UNKNOWN', {
        message: `no repository ${this.#name}`,
        detail: { name: this.#name },
      });
    }
    return page;
  }

  referrers(subject: Digest): Promise<readonly ReferrerDescriptor[]> {
    return this.#storage.referrers.list(this.#name, subject);
  }
}

/** Every name is a repository of this server. */
export class HostedResolver implements RepositoryResolver {
  readonly #storage: RegistryStorage;
  readonly #redirect: BlobRedirect;

  constructor(storage: RegistryStorage, redirect: BlobRedirect) {
    this.#storage = storage;
    this.#redirect = redirect;
  }

  async resolve({ name, ns }: ResolveRequest): Promise<ResolvedRepository> {
    return {
      asked: name,
      stored: name,
      mirrored: false,
      namespace: ns,
      reader: new HostedRepository(this.#storage, name, this.#redirect),
    };
  }
}
