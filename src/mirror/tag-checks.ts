import { LRUCache } from 'lru-cache';
import type { Digest } from '../oci/digest.ts';
import type { Tag } from '../oci/reference.ts';

/** What an upstream said of a tag. */
export interface CheckedTag {
  readonly digest: Digest;
  readonly mediaType: string | undefined;
  /** Bytes of the manifest. */
  readonly size: number | undefined;
}

/** When tags were asked for last, by this process; and what is being asked at this moment, once however many wait. */
export class TagChecks {
  readonly #now: () => number;
  readonly #checked = new LRUCache<string, CheckedTag & { readonly at: number }>({ max: 20_000 });
  /** Tags that lead to manifests which are not here yet. */
  readonly #expected = new LRUCache<string, readonly Tag[]>({ max: 5_000 });

  constructor(now: () => number) {
    this.#now = now;
  }

  /** What the tag led to, where that was seen within so many milliseconds. */
  fresh(key: string, within: number): CheckedTag | undefined {
    const checked = this.#checked.get(key);
    return checked === undefined || this.#now() - checked.at >= within ? undefined : checked;
  }

  /** A tag leads to a manifest that was not fetched with it. */
  expect(manifest: string, tag: Tag): void {
    const tags = this.#expected.get(manifest) ?? [];
    if (!tags.includes(tag)) this.#expected.set(manifest, [...tags.slice(-15), tag]);
  }

  /** The tags to which a manifest that was fetched belongs; asked once. */
  expected(manifest: string): readonly Tag[] {
    const tags = this.#expected.get(manifest) ?? [];
    this.#expected.delete(manifest);
    return tags;
  }

  note(key: string, { digest, mediaType, size }: CheckedTag): void {
    this.#checked.set(key, { digest, mediaType, size, at: this.#now() });
  }
}

/** Work that is done once for all who ask for it while it is under way. */
export class Coalesced<Result> {
  readonly #running = new Map<string, Promise<Result>>();

  run(key: string, work: () => Promise<Result>): Promise<Result> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const started = work().finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }
}
