import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { readContent } from '../storage/content.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { revisionPulledKey } from '../storage/layout.ts';
import { KeyNotFoundError } from '../storage/storage-errors.ts';
import { loggedReason } from './logged-reason.ts';
import type { UpstreamLog } from './upstream/upstream-options.ts';

/** Milliseconds between two writes of what was pulled meanwhile. */
const EVERY = 60_000;
/** Milliseconds by which what is written may lag behind: one image costs at most one write in that time. */
const GRAIN = 3_600_000;
/** Images remembered until the next write. */
const MOST = 50_000;

/**
 * When each mirrored image was pulled last. Remembered in memory, and from time to time, never by a request, put
 * beside the manifest, so that eviction knows it after a restart too.
 */
export class LastPulls implements AsyncDisposable {
  readonly #driver: StorageDriver;
  readonly #log: UpstreamLog;
  readonly #clock: () => Date;
  readonly #pulled = new Map<string, { name: RepositoryName; digest: Digest; at: Date }>();
  readonly #written = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(driver: StorageDriver, options: { readonly log: UpstreamLog; readonly clock: () => Date }) {
    this.#driver = driver;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#timer = setInterval(() => void this.write(), EVERY);
    this.#timer.unref();
  }

  note(name: RepositoryName, digest: Digest): void {
    const key = `${name}@${digest}`;
    if (this.#pulled.size >= MOST && !this.#pulled.has(key)) return;
    this.#pulled.set(key, { name, digest, at: this.#clock() });
  }

  /** When a manifest was pulled last, as far as is known. */
  async read(name: RepositoryName, digest: Digest): Promise<Date | undefined> {
    const here = this.#pulled.get(`${name}@${digest}`);
    if (here !== undefined) return here.at;
    try {
      const text = await readContent(this.#driver, revisionPulledKey(name, digest), { limit: 64 });
      const at = new Date(text.toString('latin1'));
      return Number.isNaN(at.getTime()) ? undefined : at;
    } catch (error) {
      if (error instanceof KeyNotFoundError) return undefined;
      throw error;
    }
  }

  /** Writes what was noted; what fails is tried again the next time. */
  async write(options: { readonly all?: true } = {}): Promise<void> {
    for (const [key, { name, digest, at }] of [...this.#pulled]) {
      const before = this.#written.get(key);
      if (options.all === undefined && before !== undefined && at.getTime() - before < GRAIN) continue;
      if (before === at.getTime()) continue;
      try {
        await this.#driver.write(revisionPulledKey(name, digest), Buffer.from(at.toISOString()), {
          durable: false,
        });
      } catch (error) {
        this.#log.warn(
          { repository: name, digest, ...loggedReason(error) },
          'the time of a pull could not be written',
        );
        return;
      }
      if (this.#pulled.get(key)?.at === at) this.#pulled.delete(key);
      if (this.#written.size >= MOST) this.#written.clear();
      this.#written.set(key, at.getTime());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.write({ all: true });
  }
}
