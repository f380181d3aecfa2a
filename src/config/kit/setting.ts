import type { Report } from '../problems.ts';
import type { Tree } from '../tree.ts';

/**
 * One key of the configuration: its type, default and documentation, and its name in the environment. The same
 * tables read the file, find `REGISTRY_*` variables, print what is in force and write `config/default.yml`.
 */
export type Setting = Leaf<unknown> | Section | List<Setting> | Dictionary<Setting> | Free | Obsolete;

export interface Described {
  /** One line for `config/default.yml`. */
  readonly doc: string;
  /** The field's name in distribution's Go source, upper-case, where it is not the key's. */
  readonly env?: string;
}

/** A single value, written as a scalar. */
export interface Leaf<T> extends Described {
  readonly kind: 'leaf';
  /** The default, as it would be written. */
  readonly initial: string | undefined;
  /** Without a default it must be given, where its section is. */
  readonly required: boolean;
  readonly secret: boolean;
  /** Shown in `config/default.yml` where there is no default. */
  readonly example: string | undefined;
  /** What the text says, or undefined after a problem was reported. */
  read(text: string, report: Report): T | undefined;
  /** How the value is written. */
  show(value: T): string | number | boolean;
}

export interface Fields {
  readonly [key: string]: Setting;
}

/** A mapping with known keys. */
export interface Section<F extends Fields = Fields, Optional extends boolean = boolean> extends Described {
  readonly kind: 'section';
  readonly fields: F;
  /** Left out, it is undefined; else it is there with its defaults. */
  readonly optional: Optional;
  /** The key that this is another name of. */
  readonly aliasOf?: string;
  /** What a mere text in its place stands for. */
  expand?(text: string): Tree;
}

export interface List<S extends Setting, Optional extends boolean = boolean> extends Described {
  readonly kind: 'list';
  readonly item: S;
  /** Left out, it is undefined; else it is `initial`. */
  readonly optional: Optional;
  readonly initial: readonly string[];
  /** Whether an empty list is the same as none, as with distribution's. */
  readonly emptyIsInitial: boolean;
  /** Whether one value may stand for a list of one. */
  readonly single: boolean;
  readonly example: readonly string[];
}

/** A mapping with any keys. */
export interface Dictionary<S extends Setting> extends Described {
  readonly kind: 'dictionary';
  readonly item: S;
  /** A mapping for `config/default.yml`, in flow style. */
  readonly example: string;
}

/** Anything, kept as it is. */
export interface Free extends Described {
  readonly kind: 'free';
  readonly secret: boolean;
  readonly example: string;
}

/** A key that once meant something: taken with one warning. */
export interface Obsolete extends Described {
  readonly kind: 'obsolete';
}

/** What reading a setting gives. */
export type ValueOf<S> =
  S extends Leaf<infer T>
    ? T
    : S extends Section<infer F, infer Optional>
      ? { readonly [K in keyof F]: ValueOf<F[K]> } | (Optional extends true ? undefined : never)
      : S extends List<infer I, infer Optional>
        ? readonly ValueOf<I>[] | (Optional extends true ? undefined : never)
        : S extends Dictionary<infer I>
          ? Readonly<Record<string, ValueOf<I>>>
          : S extends Free
            ? Tree | undefined
            : undefined;

type Options<O> = { readonly env?: string } & O;

interface SectionOptions {
  readonly aliasOf?: string;
  expand?(text: string): Tree;
}

export function section<F extends Fields>(
  doc: string,
  fields: F,
  options: Options<SectionOptions> = {},
): Section<F, false> {
  return { kind: 'section', doc, fields, optional: false, ...options };
}

export function optionalSection<F extends Fields>(
  doc: string,
  fields: F,
  options: Options<SectionOptions> = {},
): Section<F, true> {
  return { kind: 'section', doc, fields, optional: true, ...options };
}

interface InitialOptions {
  readonly initial?: readonly string[];
  readonly emptyIsInitial?: boolean;
}

interface ListOptions {
  readonly single?: boolean;
  readonly example?: readonly string[];
}

const PLAIN_LIST = { initial: [], emptyIsInitial: false, single: false, example: [] } as const;

export function list<S extends Setting>(
  doc: string,
  item: S,
  options: Options<ListOptions & InitialOptions> = {},
): List<S, false> {
  return { kind: 'list', doc, item, optional: false, ...PLAIN_LIST, ...options };
}

export function optionalList<S extends Setting>(
  doc: string,
  item: S,
  options: Options<ListOptions> = {},
): List<S, true> {
  return { kind: 'list', doc, item, optional: true, ...PLAIN_LIST, ...options };
}

export function dictionary<S extends Setting>(
  doc: string,
  item: S,
  options: Options<{ readonly example?: string }> = {},
): Dictionary<S> {
  return { kind: 'dictionary', doc, item, example: '{}', ...options };
}

export function free(doc: string, options: Options<{ secret?: boolean; example?: string }> = {}): Free {
  return { kind: 'free', doc, secret: false, example: '{}', ...options };
}

export function obsolete(doc: string): Obsolete {
  return { kind: 'obsolete', doc };
}
