import type { Digest } from '../../oci/digest.ts';
import { formatReference, type Reference, type Tag } from '../../oci/reference.ts';
import type { ManifestAnswer, ReadRequest } from '../../oci/repository-reader.ts';
import { StorageFullError, StorageUnavailableError } from '../../storage/storage-errors.ts';
import { loggedReason } from '../logged-reason.ts';
import type { ManifestHead } from '../upstream/manifest-requests.ts';
import type { ReceivedManifest } from '../upstream/received-manifest.ts';
import { TimeoutError } from '../upstream/timeout-error.ts';
import { isOutage, UpstreamNotFound } from '../upstream/upstream-errors.ts';
import { headAnswer, received, stored, understood } from './manifest-answers.ts';
import type { MirroredSource, MirrorParts } from './mirror-parts.ts';
import { toldError, unknownManifest } from './told-errors.ts';

/** The manifests and tags of a mirrored repository: what is stored, as long as that is good, and what is fetched. */
export class MirroredManifests {
  readonly #parts: MirrorParts;
  readonly #source: MirroredSource;

  constructor(parts: MirrorParts, source: MirroredSource) {
    this.#parts = parts;
    this.#source = source;
  }

  async byDigest(digest: Digest, { method }: ReadRequest): Promise<ManifestAnswer> {
    const here = await this.#parts.storage.manifests.find(this.#source.stored, { kind: 'digest', digest });
    if (here !== undefined) return stored(here);
    const reference = { kind: 'digest', digest } as const;
    try {
      if (method === 'HEAD') {
        const head = await this.#head(reference);
        if (head.size !== undefined && head.mediaType !== undefined) return headAnswer(head);
      }
      return received(await this.#fetch(reference));
    } catch (error) {
      throw this.#told(error, reference, method);
    }
  }

  async byTag(tag: Tag, { method }: ReadRequest): Promise<ManifestAnswer> {
    const { checks, storage } = this.#parts;
    const reference = { kind: 'tag', tag } as const;
    const here = await storage.manifests.find(this.#source.stored, reference);
    // Asked last: somebody else's check may have ended meanwhile.
    const fresh = checks.fresh(this.#checkKey(tag), this.#source.tagTtl);
    if (fresh !== undefined && here?.digest === fresh.digest) return stored(here);
    try {
      if (fresh !== undefined) return await this.#latest(tag, { head: fresh, method, instead: here?.digest });
      if (here === undefined && method === 'GET') return received(await this.#fetch(reference, { tag }));
      const head = await this.#head(reference, here?.digest);
      if (here?.digest === head.digest) return stored(here);
      return await this.#latest(tag, { head, method, instead: here?.digest });
    } catch (error) {
      if (here !== undefined && isOutage(error)) {
        const { client, stored: repository } = this.#source;
        this.#parts.outages.bridged(error, { upstream: client.name, repository, tag });
        return {
          ...stored(here),
          warning: `this is what was stored, since the upstream ${error.message}`,
        };
      }
      throw this.#told(error, reference, method);
    }
  }

  #told(error: unknown, reference: Reference, method: ReadRequest['method']): unknown {
    return toldError(error, {
      source: this.#source,
      method,
      wanted: 'manifest',
      unknown: () => unknownManifest(this.#source, reference),
    });
  }

  /**
   * What a tag leads to now: stored already, or fetched unless a HEAD is all that was asked; the tag follows.
   * @param now.instead what the tag leads to in the storage
   */
  async #latest(
    tag: Tag,
    now: {
      readonly head: ManifestHead;
      readonly method: ReadRequest['method'];
      readonly instead: Digest | undefined;
    },
  ): Promise<ManifestAnswer> {
    const { storage, checks, expectedTags } = this.#parts;
    const { head, method, instead } = now;
    const { digest, whole } = head;
    const here = await storage.manifests.find(this.#source.stored, { kind: 'digest', digest });
    if (here === undefined) {
      // What an upstream that fails said before it did cannot be had from it: then the stored tag is better.
      if (method === 'HEAD' && whole === undefined && this.#source.client.isWell('manifest')) {
        // Clients go on by digest: what they fetch then is what the tag leads to.
        checks.expect(`${this.#source.stored}@${digest}`, tag);
        expectedTags.expect({ name: this.#source.stored, tag, digest, instead });
        if (head.size !== undefined && head.mediaType !== undefined) return headAnswer(head);
      }
      return received(await this.#fetch({ kind: 'digest', digest }, { tag, whole }));
    }
    await this.#keeping(digest, () => storage.tags.write(this.#source.stored, tag, digest));
    return stored(here);
  }

  /**
   * A HEAD upstream, once however many ask, whoever of them leaves.
   * @param known the digest of what is stored for the reference
   */
  #head(reference: Reference, known?: Digest): Promise<ManifestHead> {
    const { client, upstreamName } = this.#source;
    const text = formatReference(reference);
    const ask = async (signal?: AbortSignal): Promise<ManifestHead> => {
      const query = { repository: upstreamName, reference, known, signal };
      const head = await this.#asked(() => client.headManifest(query));
      // Before it ends, so that who comes next finds either it or what it told.
      if (reference.kind === 'tag') this.#parts.checks.note(this.#checkKey(reference.tag), head);
      return head;
    };
    return this.#parts.heads.run(`${this.#source.stored}@${text} ${known}`, async () => {
      // Where nothing is stored there is nothing to fall back on: it may take as long as a GET.
      if (known === undefined) return await ask();
      const within = this.#parts.tagCheck;
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(new TimeoutError(`no answer within ${within} ms`)), within);
      try {
        return await ask(abort.signal);
      } finally {
        clearTimeout(timer);
      }
    });
  }

  /** Fetches a manifest, unless it came whole with what was asked before, and keeps it with the tag it was asked by. */
  #fetch(
    reference: Reference,
    { tag, whole }: { readonly tag?: Tag | undefined; readonly whole?: ReceivedManifest | undefined } = {},
  ): Promise<ReceivedManifest> {
    const { checks } = this.#parts;
    return this.#parts.manifests.run(
      `${this.#source.stored}@${formatReference(reference)} ${tag}`,
      async () => {
        const found = whole ?? (await this.#sent(reference));
        const manifest = understood(found);
        const { digest, content } = found;
        // A tag that led here when it was asked by HEAD may have been seen elsewhere since.
        const expected = checks
          .expected(`${this.#source.stored}@${digest}`)
          .filter((one) => checks.fresh(this.#checkKey(one), Number.POSITIVE_INFINITY)?.digest === digest);
        const tags = [...new Set([...(tag === undefined ? [] : [tag]), ...expected])];
        await this.#keeping(digest, () =>
          this.#parts.storage.manifests.put(this.#source.stored, { digest, content, manifest, tags }),
        );
        if (tag !== undefined) {
          const { mediaType } = found;
          checks.note(this.#checkKey(tag), { digest, mediaType, size: content.length });
        }
        return found;
      },
    );
  }

  /** What the upstream sends, or sent a moment ago. */
  async #sent(reference: Reference): Promise<ReceivedManifest> {
    const { client, upstreamName, stored: name } = this.#source;
    const { justFetched } = this.#parts;
    const known = reference.kind === 'digest' ? justFetched.get(name, reference.digest) : undefined;
    if (known !== undefined) return known;
    const found = await this.#asked(() => client.getManifest({ repository: upstreamName, reference }));
    justFetched.note(name, found);
    return found;
  }

  #checkKey(tag: Tag): string {
    return `${this.#source.stored}:${tag}`;
  }

  /** Notes that the upstream answered, where it did. */
  async #asked<Result>(ask: () => Promise<Result>): Promise<Result> {
    const { outages } = this.#parts;
    try {
      const result = await ask();
      outages.answered(this.#source.client.name);
      return result;
    } catch (error) {
      if (error instanceof UpstreamNotFound) outages.answered(this.#source.client.name);
      throw error;
    }
  }

  /** What cannot be kept is served all the same. */
  async #keeping(digest: Digest, keep: () => Promise<void>): Promise<void> {
    try {
      await keep();
    } catch (error) {
      if (!(error instanceof StorageFullError) && !(error instanceof StorageUnavailableError)) throw error;
      this.#parts.log.warn(
        { repository: this.#source.stored, digest, ...loggedReason(error) },
        'what was fetched could not be stored',
      );
    }
  }
}
