import type { Report } from '../problems.ts';
import { Secret } from '../secret.ts';
import { formatByteSize, parseByteSize } from './byte-size.ts';
import { formatDuration, isPlainNanoseconds, parseDuration } from './duration.ts';
import { nearest } from './nearest.ts';
import type { Leaf } from './setting.ts';

interface LeafOptions {
  readonly env?: string;
  readonly example?: string;
}

/** Makes settings of one type: with a default, required, or undefined when left out. */
interface LeafMaker<T> {
  (doc: string, options: LeafOptions & { readonly initial: string }): Leaf<T>;
  (doc: string, options: LeafOptions & { readonly required: true }): Leaf<T>;
  (doc: string, options?: LeafOptions): Leaf<T | undefined>;
}

interface Scalar<T> {
  readonly secret?: boolean;
  read(text: string, report: Report): T | undefined;
  show(value: T): string | number | boolean;
}

function leaves<T>({ read, show, secret = false }: Scalar<T>): LeafMaker<T> {
  return (doc: string, options: LeafOptions & { initial?: string; required?: true } = {}) => ({
    kind: 'leaf' as const,
    doc,
    initial: undefined,
    example: undefined,
    ...options,
    required: options.required ?? false,
    secret,
    read,
    show: (value: T | undefined) => (value === undefined ? '' : show(value)),
  });
}

const TRUE = new Set(['true', 'yes', 'on', 'y', '1', 't']);
const FALSE = new Set(['false', 'no', 'off', 'n', '0', 'f']);

export const text = leaves<string>({ read: (written) => written, show: (value) => value });

export const secret = leaves<Secret>({
  secret: true,
  read: (written) => new Secret(written),
  show: String,
});

export const flag = leaves<boolean>({
  read(written, report) {
    const word = written.toLowerCase();
    if (TRUE.has(word)) return true;
    if (FALSE.has(word)) return false;
    report.problem(`expected true or false, found ${JSON.stringify(written)}`);
    return undefined;
  },
  show: (value) => value,
});

/** A whole number, in `range` (both ends included). */
export function integer(range: { readonly from?: number; readonly to?: number } = {}): LeafMaker<number> {
  const { from = Number.MIN_SAFE_INTEGER, to = Number.MAX_SAFE_INTEGER } = range;
  return leaves<number>({
    read(written, report) {
      const value = /^[+-]?\d+$/.test(written) ? Number(written) : Number.NaN;
      if (value >= from && value <= to) return value;
      report.problem(`expected a whole number${rangeText(range)}, found ${JSON.stringify(written)}`);
      return undefined;
    },
    show: (value) => value,
  });
}

function rangeText({ from, to }: { readonly from?: number; readonly to?: number }): string {
  if (from === undefined) return to === undefined ? '' : ` up to ${to}`;
  return to === undefined ? ` from ${from} up` : ` from ${from} to ${to}`;
}

/** Milliseconds. */
export function duration(options: { readonly positive?: boolean } = {}): LeafMaker<number> {
  return leaves<number>({
    read(written, report) {
      const value = parseDuration(written);
      if (value === undefined) {
        report.problem(`expected a duration such as 1h30m, 10s or 500ms, found ${JSON.stringify(written)}`);
        return undefined;
      }
      if (options.positive === true && value === 0) report.problem('must be longer than 0');
      if (isPlainNanoseconds(written)) {
        report.warning(`a number without a unit is nanoseconds; for seconds write ${written}s`);
      }
      return value;
    },
    show: formatDuration,
  });
}

/** Bytes, in `range` (both ends included). */
export function byteSize(range: { readonly from?: number; readonly to?: number } = {}): LeafMaker<number> {
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = range;
  return leaves<number>({
    read(written, report) {
      const value = parseByteSize(written);
      if (value === undefined) {
        report.problem(`expected a size such as 10GiB, 5MB or 4096, found ${JSON.stringify(written)}`);
        return undefined;
      }
      if (value >= from && value <= to) return value;
      report.problem(
        to === Number.MAX_SAFE_INTEGER
          ? `must be at least ${formatByteSize(from)}`
          : `must be between ${formatByteSize(from)} and ${formatByteSize(to)}`,
      );
      return undefined;
    },
    show: formatByteSize,
  });
}

/** More words than these are not told, but the nearest one. */
const MOST_LISTED = 9;

interface ChoiceOptions {
  /** Makes of what is written what is compared; default: as it is. */
  readonly normalise?: (written: string) => string;
}

/** One of a few words. */
export function choice<const A extends string>(
  allowed: readonly A[],
  { normalise = (written) => written }: ChoiceOptions = {},
): LeafMaker<A> {
  return leaves<A>({
    read(written, report) {
      const word = normalise(written);
      const found = allowed.find((candidate) => candidate === word);
      if (found !== undefined) return found;
      const meant = nearest(word, allowed);
      const few = allowed.length <= MOST_LISTED;
      report.problem(
        (few ? `expected ${orList(allowed)}, found ` : 'expected another word than ') +
          JSON.stringify(written) +
          (few || meant === undefined ? '' : `; did you mean ${meant}?`),
      );
      return undefined;
    },
    show: (value) => value,
  });
}

function orList(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
