import { setTimeout as delay } from 'node:timers/promises';
import type { ByteRange } from '../../oci/byte-range.ts';
import type { Digest } from '../../oci/digest.ts';
import type { HasherPool } from '../../storage/content-hasher.ts';
import { blobDataKey } from '../../storage/layout.ts';
import { BlobBeingDeletedError } from '../../storage/linking.ts';
import type { RegistryStorage } from '../../storage/registry-storage.ts';
import { StorageFullError, StorageUnavailableError } from '../../storage/storage-errors.ts';
import { loggedReason } from '../logged-reason.ts';
import type { BlobAnswer, BlobQuery } from '../upstream/blob-requests.ts';
import type { UpstreamClient } from '../upstream/upstream-client.ts';
import { UpstreamError, UpstreamWrong } from '../upstream/upstream-errors.ts';
import type { UpstreamLog } from '../upstream/upstream-options.ts';
import type { UpstreamUrl } from '../upstream/upstream-url.ts';
import { ConnectionShares } from './extra-connections.ts';
import { busySinceLast, fetchingOf, type UpstreamState } from './fetching.ts';
import type { Fill, FillRequest, RunningFill } from './fill.ts';
import type { FillMedium } from './fill-medium.ts';
import { GrowingBlob } from './growing-blob.ts';
import { openFirst } from './open-first.ts';
import { openMedium } from './open-medium.ts';
import { type PassThroughParts, passThrough } from './pass-through.ts';
import { readBackSlabs } from './read-back.ts';
import { SourceTrust } from './source-trust.ts';
import type { Spool } from './spool.ts';
import { DEFAULT_TRANSFER_LIMITS, type TransferLimits } from './transfer-limits.ts';
import { Turns } from './turns.ts';
import { notKept, readOrPass } from './unkept.ts';

/** Connections to each URL of an upstream, shared by all fills from it. */
const CONNECTIONS = 16;
/** Of these, how many may be held by readers of what is not kept, each at its own pace. */
const PASSES = 12;
/** Of the time. */
const HALF = 0.5;
/** Milliseconds for which a blob that is being deleted is waited for. */
const DELETING = 45_000;

export interface FillsOptions {
  readonly storage: RegistryStorage;
  readonly hashers: HasherPool;
  readonly spool: Spool;
  readonly log: UpstreamLog;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  readonly limits?: Partial<TransferLimits>;
  /** How busy this process is, 0 to 1. Default: the event loop's share of work since it was asked last. */
  readonly busy?: () => number;
}

interface FillParts {
  readonly state: UpstreamState;
  readonly first: BlobAnswer;
  /** Milliseconds that it took. */
  readonly firstAnswer: number;
  readonly medium: FillMedium;
  readonly blob: GrowingBlob;
}

const NO_ROOM = 'a blob is passed on without being kept: the storage has no room';
const UNWRITABLE = 'a blob is passed on without being kept: the storage cannot be written';

/** All blobs on their way here: one transfer each, however many ask, which goes on when they leave. */
export class Fills {
  readonly #options: FillsOptions;
  readonly #limits: TransferLimits;
  /** By `keyOf`. */
  readonly #running = new Map<string, RunningFill>();
  readonly #slabs = readBackSlabs();
  /** Blobs that hold memory: those under way, and those that somebody still reads. */
  #held = 0;
  readonly #ending = new Set<Promise<void>>();
  readonly #states = new WeakMap<UpstreamClient, UpstreamState>();
  readonly #abort = new AbortController();

  constructor(options: FillsOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_TRANSFER_LIMITS, ...options.limits };
  }

  /** The fill of this blob that is under way, for whichever repository of the upstream. */
  find(client: UpstreamClient, digest: Digest): RunningFill | undefined {
    return this.#running.get(keyOf(client, digest));
  }

  /**
   * Joins the fill that is under way, or begins one. Whether what another repository fetches may be given out in
   * this one is for the caller to see first: nothing comes between `find` and what this does at once.
   * @throws UpstreamError when no URL gives the blob; storage errors
   */
  get(request: FillRequest): Promise<Fill> {
    const { client, digest } = request;
    const key = keyOf(client, digest);
    const running = this.#running.get(key);
    if (running !== undefined) return running.begun;
    const beginning = this.#begin(request);
    this.#running.set(key, { stored: request.stored, begun: beginning });
    const forget = (): void => {
      this.#running.delete(key);
    };
    beginning.then(({ kept }) => kept).then(forget, forget);
    return beginning;
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    this.#abort.abort(new Error('the server ends'));
    await Promise.all(this.#ending);
  }

  async #begin(request: FillRequest): Promise<Fill> {
    const { client, digest, repository, stored } = request;
    const state = this.#stateOf(client);
    const { trust, passes } = state;
    const asked = this.#options.now();
    const busy = this.#options.busy ?? busySinceLast();
    let first = await openFirst(request, { trust, limits: this.#limits, signal: this.#abort.signal });
    // Where this process was busy itself, it says nothing about the line.
    const firstAnswer = busy() < HALF ? this.#options.now() - asked : 0;
    const size = first.total ?? request.expectedSize ?? (await toldSize(client, { repository, digest }));
    if (size === undefined && first.carried !== undefined) {
      // A part of nobody knows how much: only a whole answer has an end.
      first.body.abort();
      first = await client.getBlob({ repository, digest, signal: this.#abort.signal });
    }
    const { hashers, storage, spool, now } = this.#options;
    const limits = this.#limits;
    const closing = this.#abort.signal;
    const passing = { client, repository, digest, size, hashers, trust, passes, limits, now, closing };
    let medium: FillMedium;
    try {
      const { driver } = storage;
      medium = await openMedium(
        { driver, spool },
        { stored, digest, size: size ?? Number.POSITIVE_INFINITY },
      );
    } catch (error) {
      first.body.abort();
      const isUnwritable = error instanceof StorageFullError || error instanceof StorageUnavailableError;
      if (isUnwritable && size !== 0) return this.#unkept(request, passing, error);
      throw error;
    }
    const openCommitted = async (range: ByteRange) =>
      (await storage.contents.open(digest, { range })).chunks();
    const blob = new GrowingBlob({
      digest,
      size: size ?? Number.POSITIVE_INFINITY,
      medium,
      hashers,
      sharers: () => this.#held,
      slabs: this.#slabs,
      openCommitted,
      closed: () => {
        this.#held--;
      },
    });
    this.#held++;
    const kept = this.#run(request, { state, first, firstAnswer, medium, blob });
    this.#track(kept);
    // What has no last byte to hold back is proven before anybody gets it.
    if (size === 0) await kept;
    return { size, read: (range, signal) => readOrPass(blob, { range, signal, passing }), kept };
  }

  /** What the storage does not take from the beginning: everybody who reads it gets it from the upstream. */
  #unkept(request: FillRequest, passing: PassThroughParts, error: Error): Fill {
    this.#warn(request, error, error instanceof StorageFullError ? NO_ROOM : UNWRITABLE);
    const kept = Promise.reject(error);
    this.#track(kept);
    const read: Fill['read'] = (range, signal) => passThrough(passing, { range, signal });
    return { size: passing.size, read, kept };
  }

  async #run(request: FillRequest, parts: FillParts): Promise<void> {
    const { client, digest } = request;
    const { state, medium, blob } = parts;
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#abort.signal]);
    const { busy, now } = this.#options;
    const running = (): number => this.#running.size;
    const limits = this.#limits;
    const fetching = fetchingOf({ ...request, ...parts, limits, running, busy, now, signal });
    try {
      await fetching.run();
      await this.#prove(blob, { client, digest, state, contributors: fetching.contributors });
      await this.#keep(request, async () => {
        await blob.written();
        await blob.appended();
        await medium.commit(blobDataKey(digest));
      });
      blob.committed();
    } catch (error) {
      abort.abort(error);
      await fetching.settled();
      if (error instanceof UpstreamError) state.trust.gaveUp(fetching.contributors, fetching.contradicting);
      const readers = error instanceof StorageFullError ? await notKept(blob, error) : error;
      await blob.quiet();
      // What cannot be thrown away now is litter, which the reaper removes.
      await medium.drop().catch(() => {});
      blob.fail(readers);
      // What the end of the server cuts is nobody's fault, and there may be many.
      if (this.#abort.signal.aborted) throw error;
      this.#warn(request, error, error instanceof StorageFullError ? NO_ROOM : 'a blob could not be fetched');
      throw error;
    }
  }

  #warn({ client, stored, digest }: FillRequest, error: unknown, what: string): void {
    this.#options.log.warn(
      { upstream: client.name, repository: stored, digest, ...loggedReason(error) },
      what,
    );
  }

  async #prove(
    blob: GrowingBlob,
    found: {
      client: UpstreamClient;
      digest: Digest;
      state: UpstreamState;
      contributors: ReadonlySet<UpstreamUrl>;
    },
  ): Promise<void> {
    const { client, digest, state, contributors } = found;
    if (await blob.prove()) {
      state.trust.right(contributors);
      return;
    }
    state.trust.wrong(contributors);
    const where = [...contributors].map((url) => url.where).join(', ');
    throw new UpstreamWrong(where || client.name, `sent other content than ${digest}`);
  }

  /** The same function that a push ends in. */
  async #keep({ stored, digest }: FillRequest, commit: () => Promise<void>): Promise<void> {
    const { layers, contents } = this.#options.storage;
    const until = this.#options.now() + DELETING;
    for (;;) {
      try {
        await layers.add(stored, digest, async () => {
          await commit();
          contents.forget(digest);
        });
        return;
      } catch (error) {
        if (!(error instanceof BlobBeingDeletedError) || this.#options.now() > until) throw error;
        await delay(1_000, undefined, { signal: this.#abort.signal });
      }
    }
  }

  #stateOf(client: UpstreamClient): UpstreamState {
    const known = this.#states.get(client);
    if (known !== undefined) return known;
    const shares = new ConnectionShares(CONNECTIONS * client.urls.length);
    const passes = new Turns(PASSES * client.urls.length);
    const state = { trust: new SourceTrust<UpstreamUrl>(), shares, passes };
    this.#states.set(client, state);
    return state;
  }

  #track(work: Promise<void>): void {
    const ended = work.catch(() => {}).then(() => void this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}

/** A fill is for one upstream: another one's may be slow, or send what is wrong. */
function keyOf(client: UpstreamClient, digest: Digest): string {
  return `${client.name} ${digest}`;
}

/** @returns undefined where a HEAD does not tell either */
async function toldSize(client: UpstreamClient, query: BlobQuery): Promise<number | undefined> {
  try {
    return await client.headBlob(query);
  } catch (error) {
    if (error instanceof UpstreamError) return undefined;
    throw error;
  }
}
