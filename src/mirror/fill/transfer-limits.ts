export interface TransferLimits {
  /** Connections for one blob. */
  readonly connections: number;
  /** Bytes from which several may be used. */
  readonly parallelFrom: number;
  /** Bytes of a large blob that are asked for first, where its size is known beforehand. */
  readonly firstPiece: number;
  /** Bytes; less is not worth a request of its own. */
  readonly smallestPiece: number;
  /** Bytes; several connections are asked for no more at a time, so that readers in order get it steadily. */
  readonly spreadPiece: number;
  /** Bytes; one connection alone is asked for this much at a time, so that others can still join in. */
  readonly largestPiece: number;
  /** Milliseconds to the first answer from which the line is far enough for several connections at once. */
  readonly farFrom: number;
  /** Milliseconds of one connection after which it is judged whether more would help, again and again. */
  readonly judgeAfter: number;
  /** Bytes a second that one connection is left alone with: what is faster is held up by something else. */
  readonly fastEnough: number;
  /** Milliseconds that must be left at the rate seen for more connections to be worth it. */
  readonly worthFrom: number;
  /** Milliseconds that must be left for half of what one fetches to be given to another: some comes twice then. */
  readonly shareFrom: number;
  /** Milliseconds of a connection after which it is judged whether it crawls, again and again. */
  readonly crawlAfter: number;
  /** Milliseconds from which what nobody shares with a connection, at the rate seen, is asked for anew. */
  readonly crawlsFrom: number;
  /** Milliseconds without a new byte, over all tries, after which it is given up. */
  readonly giveUpAfter: number;
  /** Bytes of a blob whose size nobody tells: what does not end is not a blob. */
  readonly largestUnsized: number;
  /** Tries in a row without a new byte. */
  readonly tries: number;
  /** Milliseconds before the second try; doubled for each further one, up to 4 s. */
  readonly pause: number;
}

export const DEFAULT_TRANSFER_LIMITS: TransferLimits = {
  connections: 12,
  parallelFrom: 8 * 1024 * 1024,
  firstPiece: 4 * 1024 * 1024,
  smallestPiece: 2 * 1024 * 1024,
  spreadPiece: 8 * 1024 * 1024,
  largestPiece: 64 * 1024 * 1024,
  farFrom: 50,
  judgeAfter: 60,
  fastEnough: 130 * 1024 * 1024,
  worthFrom: 150,
  shareFrom: 2_000,
  crawlAfter: 1_000,
  crawlsFrom: 20_000,
  giveUpAfter: 30_000,
  largestUnsized: 64 * 1024 ** 3,
  tries: 14,
  pause: 100,
};

/** Milliseconds. */
const LONGEST_PAUSE = 4_000;

/** Milliseconds to wait after so many failures in a row, counted from 0. */
export function pauseAfter({ pause }: Pick<TransferLimits, 'pause'>, failures: number): number {
  return Math.min(pause * 2 ** failures, LONGEST_PAUSE);
}
