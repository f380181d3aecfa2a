import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { mapBounded } from '../storage/bounded.ts';
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
const WRITTEN_AT_A_TIME = 8;
/** Milliseconds that the last write may take: a server that is told to end is killed when it takes long. */
const LAST_WRITE = 2_000;

interface Pull {
  readonly name: RepositoryName;
  readonly digest: Digest;
  readonly at: Date;
}

/**
 * When each mirrored image was pulled last. Remembered in memory, and from time to time, never by a request, put
 * beside the manifest, so that eviction knows it after a restart too.
 */
export class LastPulls implements AsyncDisposable {
  readonly #driver: StorageDriver;
  readonly #log: UpstreamLog;
  readonly #clock: () => Date;
  readonly #pulled = new Map<string, Pull>();
  readonly #written = new Map<string, number>();
  readonly #lastWrite: number;
  readonly #timer: NodeJS.Timeout;

  constructor(
    driver: StorageDriver,
    options: { readonly log: UpstreamLog; readonly clock: () => Date; readonly lastWrite?: number },
  ) {
    this.#lastWrite = options.lastWrite ?? LAST_WRITE;
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

  /** Writes what was noted and not written lately; what fails is tried again the next time. */
  async write(): Promise<void> {
    const due = [...this.#pulled].filter(([key, { at }]) => {
      const before = this.#written.get(key);
      return before === undefined || at.getTime() - before >= GRAIN;
    });
    await this.#writeAll(due, new AbortController().signal);
  }

  /** Writes what it can in a short time. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(), this.#lastWrite);
    await this.#writeAll([...this.#pulled], end.signal);
    clearTimeout(timer);
  }

  /** Until the signal, or until one fails. */
  async #writeAll(pulls: readonly (readonly [string, Pull])[], signal: AbortSignal): Promise<void> {
    let failed = false;
    await mapBounded(pulls, WRITTEN_AT_A_TIME, async ([key, pull]) => {
      if (failed || signal.aborted) return;
      try {
        await this.#writeOne(key, pull);
      } catch (error) {
        if (failed) return;
        failed = true;
        this.#log.warn(
          { repository: pull.name, digest: pull.digest, ...loggedReason(error) },
          'the time of a pull could not be written',
        );
      }
    });
  }

  async #writeOne(key: string, { name, digest, at }: Pull): Promise<void> {
    const text = Buffer.from(at.toISOString());
    await this.#driver.write(revisionPulledKey(name, digest), text, { durable: false });
    if (this.#pulled.get(key)?.at === at) this.#pulled.delete(key);
    if (this.#written.size >= MOST) this.#written.clear();
    this.#written.set(key, at.getTime());
  }
}
