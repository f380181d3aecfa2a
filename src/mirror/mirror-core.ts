import type { Digest } from '../oci/digest.ts';
import type { HasherPool } from '../storage/content-hasher.ts';
import type { RegistryStorage } from '../storage/registry-storage.ts';
import { BlobSizes } from './blob-sizes.ts';
import { ExpectedTags } from './expected-tags.ts';
import { Fills } from './fill/fills.ts';
import { Spool, type SpoolOptions } from './fill/spool.ts';
import type { TransferLimits } from './fill/transfer-limits.ts';
import { JustFetched } from './just-fetched.ts';
import { LastPulls } from './last-pulls.ts';
import { type OutageLog, Outages } from './outages.ts';
import type { MirroredSource, MirrorParts } from './repository/mirror-parts.ts';
import { MirroredRepository } from './repository/mirrored-repository.ts';
import { Coalesced, TagChecks } from './tag-checks.ts';
import { TagLists } from './tag-lists.ts';
import { UpstreamClient } from './upstream/upstream-client.ts';
import type { UpstreamClientOptions, UpstreamLog } from './upstream/upstream-options.ts';

/** Milliseconds. */
const DEFAULT_TAG_TTL = 600_000;
const DEFAULT_TAG_CHECK = 5_000;

export interface MirrorUpstream extends UpstreamClientOptions {
  /** Milliseconds for which a tag is served without asking again. Default: 10 minutes. */
  readonly tagTtl?: number;
}

export interface MirrorCoreOptions {
  readonly upstreams: readonly MirrorUpstream[];
  readonly storage: RegistryStorage;
  readonly hashers: HasherPool;
  readonly spool: SpoolOptions;
  readonly log: UpstreamLog & OutageLog;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  readonly clock: () => Date;
  /** Milliseconds that a check of a stored tag may take. Default 5 s. */
  readonly tagCheck?: number;
  readonly limits?: Partial<TransferLimits>;
  /** A URL at which stored bytes can be read without this server. */
  readonly redirect: (content: Digest) => Promise<string | undefined>;
}

/** The upstreams, and what all their repositories share. */
export class MirrorCore implements AsyncDisposable {
  readonly pulls: LastPulls;
  readonly expectedTags: ExpectedTags;
  readonly #upstreams: ReadonlyMap<string, { readonly client: UpstreamClient; readonly tagTtl: number }>;
  readonly #parts: MirrorParts;

  constructor(options: MirrorCoreOptions) {
    const { storage, hashers, log, now, redirect, limits = {} } = options;
    this.#upstreams = new Map(
      options.upstreams.map((upstream) => [
        upstream.name.toLowerCase(),
        { client: new UpstreamClient(upstream), tagTtl: upstream.tagTtl ?? DEFAULT_TAG_TTL },
      ]),
    );
    this.pulls = new LastPulls(storage.driver, { log, clock: options.clock });
    this.expectedTags = new ExpectedTags(storage, { now, log });
    this.#parts = {
      storage,
      expectedTags: this.expectedTags,
      fills: new Fills({ storage, hashers, spool: new Spool(options.spool), log, now, limits }),
      checks: new TagChecks(now),
      heads: new Coalesced(),
      manifests: new Coalesced(),
      justFetched: new JustFetched(now),
      tagLists: new TagLists(now),
      sizes: new BlobSizes(),
      pulls: this.pulls,
      log,
      outages: new Outages(log, now),
      tagCheck: options.tagCheck ?? DEFAULT_TAG_CHECK,
      redirect,
    };
  }

  repository(
    upstream: string,
    names: Pick<MirroredSource, 'upstreamName' | 'stored' | 'bare'>,
  ): MirroredRepository {
    const found = this.#upstreams.get(upstream);
    if (found === undefined) throw new Error(`no upstream ${upstream}`);
    return new MirroredRepository(this.#parts, { ...found, ...names });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.fills.close();
    await this.expectedTags[Symbol.asyncDispose]();
    await this.pulls[Symbol.asyncDispose]();
    await Promise.all([...this.#upstreams.values()].map(({ client }) => client.close()));
  }
}
