import { LRUCache } from 'lru-cache';
import type { DigestAlgorithm } from '../oci/digest.ts';
import type { ContentHasher, HasherPool } from './content-hasher.ts';

/** A hash that has seen the first `size` bytes of an upload. */
export interface RunningHash {
  readonly algorithm: DigestAlgorithm;
  readonly hasher: ContentHasher;
  size: number;
}

/** Sessions whose hash is kept between two requests; what falls out is hashed again from the storage. */
const KEPT = 1_000;

/** The hashes of upload sessions that this process goes on with. */
export class SessionHashes {
  readonly #pool: HasherPool;
  readonly #kept = new LRUCache<string, RunningHash>({
    max: KEPT,
    dispose: (hash, _id, reason) => {
      if (reason === 'evict') hash.hasher.dispose();
    },
  });

  constructor(pool: HasherPool) {
    this.#pool = pool;
  }

  begin(algorithm: DigestAlgorithm): RunningHash {
    return { algorithm, hasher: this.#pool.begin(algorithm), size: 0 };
  }

  /** The hash kept for a session, if it saw exactly what the storage has. */
  take(id: string, size: number): RunningHash | undefined {
    const kept = this.#kept.get(id);
    if (kept === undefined) return undefined;
    this.#kept.delete(id);
    if (kept.size === size) return kept;
    kept.hasher.dispose();
    return undefined;
  }

  keep(id: string, hash: RunningHash): void {
    this.#kept.set(id, hash);
  }
}
