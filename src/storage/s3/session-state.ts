import { StorageUnavailableError } from '../storage-errors.ts';

/*
 * What lies in the folder of an upload:
 *
 *   lock.s3                     its state and its lease, JSON; what is not in here or implied by it does not exist
 *   data.e<epoch>.p<number>     whole parts, as objects, so that they can be read and hashed again
 *   data.tail.<epoch>.<number>  what came behind the last whole part, when it is too much for the state
 *
 * Every holder has an epoch of its own and writes under its names alone, so one that was taken for dead reaches
 * nothing: the state names the epochs that count, and how many parts of each.
 */

/** Parts that one holder wrote. */
export interface Segment {
  readonly epoch: number;
  readonly count: number;
  readonly bytes: number;
}

/** What comes behind the last part. */
export type Tail =
  | { readonly kind: 'inline'; readonly content: string; readonly bytes: number }
  | { readonly kind: 'object'; readonly name: string; readonly bytes: number };

export interface SessionState {
  readonly version: 1;
  /** Of the last holder. */
  readonly epoch: number;
  /** Unique for every writer; null when the upload may be taken. */
  readonly holder: string | null;
  /** Grows with every write of the state. */
  readonly beat: number;
  readonly segments: readonly Segment[];
  /** Void once the last holder has written a part more than the state says: it begins with the tail. */
  readonly tail: Tail | null;
  /** The key at which a multipart upload is or will be under way, for whoever has to clean up. */
  readonly target: { readonly key: string; readonly uploadId: string | null } | null;
  /**
   * Names of what lies in the folder beside what this state implies; null when that is not known, since the upload
   * was begun by something else, or a holder died or failed.
   */
  readonly others: readonly string[] | null;
}

export const EMPTY_STATE: SessionState = {
  version: 1,
  epoch: 0,
  holder: null,
  beat: 0,
  segments: [],
  tail: null,
  target: null,
  others: null,
};

export const lockKey = (folder: string): string => `${folder}/lock.s3`;
export const epochPrefix = (folder: string, epoch: number): string => `${folder}/data.e${epoch}.p`;
export const partKey = (folder: string, epoch: number, index: number): string =>
  `${epochPrefix(folder, epoch)}${String(index).padStart(6, '0')}`;

export function partCount(segments: readonly Segment[]): number {
  return segments.reduce((sum, { count }) => sum + count, 0);
}

export function sizeOf({ segments, tail }: Pick<SessionState, 'segments' | 'tail'>): number {
  return segments.reduce((sum, { bytes }) => sum + bytes, tail?.bytes ?? 0);
}

/** Keys of all parts, in their order. */
export function partKeys(folder: string, segments: readonly Segment[]): string[] {
  return segments.flatMap(({ epoch, count }) =>
    Array.from({ length: count }, (_, index) => partKey(folder, epoch, index)),
  );
}

/** The segments with what the holder of an epoch has written by now; none for nothing. */
export function withSegment(segments: readonly Segment[], own: Segment): readonly Segment[] {
  const others = segments.filter(({ epoch }) => epoch !== own.epoch);
  return own.count === 0 ? others : [...others, own];
}

export function formatState(state: SessionState): Buffer {
  return Buffer.from(JSON.stringify(state));
}

/** @throws StorageUnavailableError for anything that `formatState` did not make */
export function parseState(content: Buffer, key: string): SessionState {
  try {
    const state: unknown = JSON.parse(content.toString());
    // Those of a version before say nothing of others.
    if (isState(state)) return { ...state, others: state.others ?? null };
  } catch (error) {
    throw new StorageUnavailableError(`${key} is no upload state`, { cause: error });
  }
  throw new StorageUnavailableError(`${key} is no upload state of this version`);
}

function isState(value: unknown): value is SessionState {
  if (typeof value !== 'object' || value === null) return false;
  const { version, epoch, beat, segments } = value as Partial<Record<keyof SessionState, unknown>>;
  return version === 1 && typeof epoch === 'number' && typeof beat === 'number' && Array.isArray(segments);
}
