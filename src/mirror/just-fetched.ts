import { LRUCache } from 'lru-cache';
import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { ReceivedManifest } from './upstream/received-manifest.ts';

/** Milliseconds: longer than the storage takes to answer who looked before the manifest was kept. */
const GOOD_FOR = 5_000;
/** Bytes of all that is held. */
const ROOM = 16 * 1024 * 1024;

/** Manifests fetched a moment ago: who did not find one in the storage just before it was kept fetches it no more. */
export class JustFetched {
  readonly #now: () => number;
  readonly #fetched = new LRUCache<string, { readonly manifest: ReceivedManifest; readonly at: number }>({
    maxSize: ROOM,
    sizeCalculation: ({ manifest }) => manifest.content.length + 1,
  });

  /** @param now milliseconds that only go forward */
  constructor(now: () => number) {
    this.#now = now;
  }

  get(name: RepositoryName, digest: Digest): ReceivedManifest | undefined {
    const found = this.#fetched.get(`${name}@${digest}`);
    return found === undefined || this.#now() - found.at >= GOOD_FOR ? undefined : found.manifest;
  }

  note(name: RepositoryName, manifest: ReceivedManifest): void {
    this.#fetched.set(`${name}@${manifest.digest}`, { manifest, at: this.#now() });
  }
}
