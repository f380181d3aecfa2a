import { LRUCache } from 'lru-cache';
import type { Digest } from '../oci/digest.ts';
import type { Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { RegistryStorage } from '../storage/registry-storage.ts';
import { loggedReason } from './logged-reason.ts';
import type { UpstreamLog } from './upstream/upstream-options.ts';

/** Milliseconds between two looks at what is due. */
const EVERY = 5_000;
/** Milliseconds until the first look at one tag; each pause is twice the one before. */
const FIRST_LOOK = 5_000;
/** Milliseconds after which nobody is expected to go on with what a HEAD told. */
const LAST_LOOK = 60_000;

interface Expected {
  readonly name: RepositoryName;
  readonly tag: Tag;
  readonly digest: Digest;
  /** What the tag led to here; another server may have moved it on since. */
  readonly instead: Digest | undefined;
  readonly since: number;
  due: number;
}

/**
 * Tags whose digest a HEAD told, while the manifest was not here. Clients go on by digest, and where several servers
 * share a storage they may do so at another one, which knows nothing of the tag: it is written as soon as the
 * manifest is seen in the storage, so that it can be pulled by tag with the upstream gone.
 */
export class ExpectedTags implements AsyncDisposable {
  readonly #storage: RegistryStorage;
  readonly #now: () => number;
  readonly #log: UpstreamLog;
  readonly #expected = new LRUCache<string, Expected>({ max: 5_000 });
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;

  /** @param options.now milliseconds that only go forward */
  constructor(storage: RegistryStorage, options: { readonly now: () => number; readonly log: UpstreamLog }) {
    this.#storage = storage;
    this.#now = options.now;
    this.#log = options.log;
    this.#timer = setInterval(() => void this.look(), EVERY);
    this.#timer.unref();
  }

  expect(tag: Pick<Expected, 'name' | 'tag' | 'digest' | 'instead'>): void {
    const key = `${tag.name}:${tag.tag}`;
    if (this.#expected.get(key)?.digest === tag.digest) return;
    this.#expected.set(key, { ...tag, since: this.#now(), due: this.#now() + FIRST_LOOK });
  }

  /** Looks at what is due; one look at a time. */
  look(): Promise<void> {
    this.#looking ??= this.#lookAtDue().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#expected.clear();
    await this.#looking;
  }

  async #lookAtDue(): Promise<void> {
    for (const [key, expected] of [...this.#expected]) {
      const now = this.#now();
      if (now < expected.due) continue;
      expected.due = now + (now - expected.since) * 2;
      const isOver = (await this.#adopted(expected)) || now - expected.since >= LAST_LOOK;
      if (isOver && this.#expected.peek(key) === expected) this.#expected.delete(key);
    }
  }

  /** @returns whether nothing is left to do */
  async #adopted({ name, tag, digest, instead }: Expected): Promise<boolean> {
    const { tags, manifests } = this.#storage;
    try {
      // First what mostly ends it: who only asks whether a tag moved fetches nothing.
      if ((await manifests.find(name, { kind: 'digest', digest })) === undefined) return false;
      if ((await tags.read(name, tag)) === instead) await tags.write(name, tag, digest);
      return true;
    } catch (error) {
      this.#log.warn({ repository: name, tag, ...loggedReason(error) }, 'a tag could not be stored');
      return false;
    }
  }
}
