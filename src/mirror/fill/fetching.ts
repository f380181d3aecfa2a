import { performance } from 'node:perf_hooks';
import type { Digest } from '../../oci/digest.ts';
import type { BlobAnswer } from '../upstream/blob-requests.ts';
import type { UpstreamClient } from '../upstream/upstream-client.ts';
import type { UpstreamUrl } from '../upstream/upstream-url.ts';
import type { ConnectionShares } from './extra-connections.ts';
import type { GrowingBlob } from './growing-blob.ts';
import { type SharedMemory, shareOf } from './memory-share.ts';
import { PiecePlan } from './piece-plan.ts';
import type { SourceTrust } from './source-trust.ts';
import { Transfer } from './transfer.ts';
import type { TransferLimits } from './transfer-limits.ts';
import type { Turns } from './turns.ts';
import { UnsizedTransfer } from './unsized-transfer.ts';
import { WORTH } from './write-behind.ts';

/**
 * Bytes of a connection that may wait to be written. It would only wait for patience to end if it might leave less
 * than is written at once.
 */
const UNWRITTEN: SharedMemory = { inAll: 16 * 1024 * 1024, least: WORTH, most: 2 * WORTH };

/** What all fills from one upstream share. */
export interface UpstreamState {
  readonly trust: SourceTrust<UpstreamUrl>;
  readonly shares: ConnectionShares;
  /** Of readers of what is not kept. */
  readonly passes: Turns;
}

export interface FetchingParts {
  readonly client: UpstreamClient;
  /** The name upstream. */
  readonly repository: string;
  readonly digest: Digest;
  readonly blob: GrowingBlob;
  readonly state: UpstreamState;
  /** An answer that is here already. */
  readonly first: BlobAnswer;
  /** Milliseconds that it took, as far as they were waited. */
  readonly firstAnswer: number;
  readonly limits: TransferLimits;
  /** How many fills are under way. */
  readonly running: () => number;
  /** How busy this process is, 0 to 1. Default: the event loop's share of work since it was asked last. */
  readonly busy: (() => number) | undefined;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

export interface Fetching {
  /** Who sent bytes. */
  readonly contributors: ReadonlySet<UpstreamUrl>;
  /** Who told another size than they did. */
  readonly contradicting: ReadonlySet<UpstreamUrl>;
  /** @throws UpstreamError when it is given up; what the storage threw */
  run(): Promise<void>;
  /** Waits until nothing lands any more. */
  settled(): Promise<void>;
}

/** How the bytes of one blob come: by parts where the size is known, else in one go. */
export function fetchingOf({ state, first, running, busy, ...common }: FetchingParts): Fetching {
  const { blob, client, limits } = common;
  if (blob.size === Number.POSITIVE_INFINITY) {
    const transfer = new UnsizedTransfer(common);
    return {
      contributors: transfer.contributors,
      contradicting: new Set(),
      run: () => transfer.run(first),
      settled: async () => {},
    };
  }
  const plan = new PiecePlan(blob.size, {
    smallest: limits.smallestPiece,
    spread: limits.spreadPiece,
    largest: limits.largestPiece,
  });
  const chosen = state.trust.choose(client.byHealth());
  const extra = state.shares.begin();
  const transfer = new Transfer({
    ...common,
    plan,
    sources: chosen.includes(first.from) ? chosen : [first.from],
    extra,
    unwritten: () => unwrittenOf(running()),
    busy: busy ?? busySinceLast(),
  });
  return {
    contributors: transfer.contributors,
    contradicting: transfer.contradicting,
    settled: () => transfer.settled(),
    run: async () => {
      const piece = plan.takeFirst(first.carried === undefined ? blob.size : first.carried.end + 1);
      try {
        if (piece !== undefined) return await transfer.run({ answer: first, piece });
        first.body.abort();
        // That there is nothing is what it sent.
        transfer.contributors.add(first.from);
      } finally {
        extra.end();
      }
    },
  };
}

/** Bytes of each connection that may wait to be written, while so many fills are under way. */
export function unwrittenOf(running: number): number {
  return shareOf(UNWRITTEN, running);
}

/** The event loop's share of work since it was asked last, 0 to 1. */
export function busySinceLast(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
