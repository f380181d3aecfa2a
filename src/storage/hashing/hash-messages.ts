import type { DigestAlgorithm } from '../../oci/digest.ts';

/** What a worker is given when it starts: memory that it shares with the event loop's thread. */
export interface HashWorkerData {
  readonly memory: SharedArrayBuffer;
}

/** To a worker. Done in the order in which it comes; `id` names a hash under way. */
export type HashRequest =
  | {
      readonly kind: 'update';
      readonly id: number;
      readonly algorithm: DigestAlgorithm;
      /** Where the bytes lie in the shared memory. */
      readonly offset: number;
      readonly length: number;
    }
  | { readonly kind: 'digest'; readonly id: number }
  | { readonly kind: 'dispose'; readonly id: number };

/** From a worker: bytes it needs no more, and results. */
export type HashReply =
  | { readonly kind: 'updated'; readonly offset: number }
  | { readonly kind: 'digest'; readonly id: number; readonly hex: string };
