import { LRUCache } from 'lru-cache';
import { type Digest, digestAlgorithm, digestFromHex, digestHex, isDigest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { type Manifest, parseManifest } from '../oci/manifest.ts';
import { parseTag, type Tag } from '../oci/reference.ts';
import type { ReferrerDescriptor } from '../oci/referrer-descriptor.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { BlobContents } from './blob-contents.ts';
import { mapBounded } from './bounded.ts';
import type { StorageDriver } from './driver.ts';
import { referrerLinkKey, referrersFolder, revisionLinkKey } from './layout.ts';
import type { LinkStore } from './links.ts';
import { DamagedContentError, KeyNotFoundError } from './storage-errors.ts';
import type { Tags } from './tags.ts';

const READ_AT_A_TIME = 16;
const MANIFEST_LIMIT = 64 * 1024 * 1024;
/** Characters, in all, of descriptors that are remembered: the annotations of one may be megabytes. */
const REMEMBERED = 16 * 1024 * 1024;
const OVERHEAD = 512;
const ALGORITHMS = ['sha256', 'sha512'] as const;

interface Described {
  /** Undefined when it has none, or is no manifest that is understood here. */
  readonly subject: Digest | undefined;
  readonly descriptor: ReferrerDescriptor;
}

/** Which manifests of a repository name which as their subject. */
export class Referrers {
  readonly #driver: StorageDriver;
  readonly #contents: BlobContents;
  readonly #links: LinkStore;
  readonly #tags: Tags;
  readonly #described = new LRUCache<Digest, Described>({
    maxSize: REMEMBERED,
    sizeCalculation: ({ descriptor }) => JSON.stringify(descriptor).length + OVERHEAD,
  });

  constructor(parts: { driver: StorageDriver; contents: BlobContents; links: LinkStore; tags: Tags }) {
    this.#driver = parts.driver;
    this.#contents = parts.contents;
    this.#links = parts.links;
    this.#tags = parts.tags;
  }

  async add(name: RepositoryName, subject: Digest, referrer: Digest): Promise<void> {
    await this.#links.write(referrerLinkKey(name, subject, referrer), referrer);
  }

  /** Takes a manifest that is about to be removed off the list of its subject, if it has one. */
  async removeOf(
    name: RepositoryName,
    stored: { readonly digest: Digest; readonly content: Buffer },
  ): Promise<void> {
    const subject = understood(stored.content)?.subject;
    if (subject !== undefined) await this.#links.delete(referrerLinkKey(name, subject.digest, stored.digest));
  }

  /** By digest in ASCII order; those under the fallback tag that clients wrote for other registries included. */
  async list(name: RepositoryName, subject: Digest): Promise<readonly ReferrerDescriptor[]> {
    const digests = new Set<Digest>([
      ...(await this.#linked(name, subject)),
      ...(await this.#tagged(name, subject)),
    ]);
    const described = await mapBounded([...digests].sort(), READ_AT_A_TIME, (digest) =>
      this.#describe(name, digest),
    );
    return described
      .filter((entry) => entry !== undefined)
      .filter((entry) => entry.subject === subject)
      .map((entry) => entry.descriptor);
  }

  async #linked(name: RepositoryName, subject: Digest): Promise<Digest[]> {
    const found: Digest[] = [];
    for (const algorithm of ALGORITHMS) {
      const { entries } = await this.#driver.list(`${referrersFolder(name, subject)}/${algorithm}`);
      // The folder's name says it all: whether the manifest is here, and names the subject, is looked at anyway.
      found.push(...entries.map((entry) => digestFromHex(algorithm, entry.name)).filter(isDigest));
    }
    return found;
  }

  async #tagged(name: RepositoryName, subject: Digest): Promise<Digest[]> {
    const digest = await this.#tags.read(name, fallbackTag(subject));
    if (digest === undefined) return [];
    const target = await this.#links.read(revisionLinkKey(name, digest), 'links');
    const content = target === undefined ? undefined : await this.#read(target);
    const index = content === undefined ? undefined : understood(content);
    return index?.manifests.map((entry) => entry.digest) ?? [];
  }

  async #describe(name: RepositoryName, digest: Digest): Promise<Described | undefined> {
    const target = await this.#links.read(revisionLinkKey(name, digest), 'links');
    if (target === undefined) return undefined;
    const known = this.#described.get(digest);
    if (known !== undefined) return known;
    const content = await this.#read(target);
    const manifest = content === undefined ? undefined : understood(content);
    if (content === undefined || manifest === undefined) return undefined;
    const described = {
      subject: manifest.subject?.digest,
      descriptor: descriptorOf(manifest, { digest, content }),
    };
    this.#described.set(digest, described);
    return described;
  }

  /** What is missing or damaged is no referrer; whoever pulls it is told, and the log with it. */
  async #read(digest: Digest): Promise<Buffer | undefined> {
    try {
      return await this.#contents.whole(digest, MANIFEST_LIMIT);
    } catch (error) {
      if (error instanceof KeyNotFoundError || error instanceof DamagedContentError) return undefined;
      throw error;
    }
  }
}

function descriptorOf(
  { mediaType, artifactType, annotations }: Manifest,
  { digest, content }: { readonly digest: Digest; readonly content: Buffer },
): ReferrerDescriptor {
  return {
    mediaType,
    digest,
    size: content.length,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** Specification "Referrers Tag Schema": at most 32 characters of the algorithm and 64 of the encoded part. */
export function fallbackTag(subject: Digest): Tag {
  return parseTag(`${digestAlgorithm(subject).slice(0, 32)}-${digestHex(subject).slice(0, 64)}`);
}

/** What another registry took in may be no manifest that is understood here. */
function understood(content: Buffer): Manifest | undefined {
  try {
    return parseManifest(content);
  } catch (error) {
    if (error instanceof RegistryError) return undefined;
    throw error;
  }
}
