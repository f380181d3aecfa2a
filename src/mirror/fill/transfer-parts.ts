import type { Digest } from '../../oci/digest.ts';
import type { BlobAnswer } from '../upstream/blob-requests.ts';
import type { UpstreamClient } from '../upstream/upstream-client.ts';
import type { UpstreamUrl } from '../upstream/upstream-url.ts';
import type { ExtraConnections } from './extra-connections.ts';
import type { GrowingBlob } from './growing-blob.ts';
import type { Piece, PiecePlan } from './piece-plan.ts';
import type { TransferLimits } from './transfer-limits.ts';

export interface TransferParts {
  readonly client: UpstreamClient;
  /** The name upstream. */
  readonly repository: string;
  readonly digest: Digest;
  readonly blob: GrowingBlob;
  readonly plan: PiecePlan;
  /** The URLs to fetch from, best first. At least one. */
  readonly sources: readonly UpstreamUrl[];
  readonly extra: ExtraConnections;
  /** Bytes of one connection that may wait to be written. */
  readonly unwritten: () => number;
  /** How busy this process is: 0 to 1. */
  readonly busy: () => number;
  /** Milliseconds that the first answer took. */
  readonly firstAnswer: number;
  readonly limits: TransferLimits;
  /** Milliseconds. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** How a connection begins: with an answer that is here already, or as one of several. */
export type Beginning =
  | { readonly kind: 'answered'; readonly answer: BlobAnswer; readonly piece: Piece }
  | { readonly kind: 'alone' }
  /** With how many others that have no part yet, itself among them, it shares what is left. */
  | { readonly kind: 'extra'; readonly sharers: number };
