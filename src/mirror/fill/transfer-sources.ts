import type { Shortcut } from '../upstream/shortcut.ts';
import {
  type UpstreamError,
  UpstreamNotFound,
  UpstreamSlow,
  UpstreamWrong,
} from '../upstream/upstream-errors.ts';
import type { UpstreamUrl } from '../upstream/upstream-url.ts';

/** A source tells another size of the same blob than the one before. */
export class OtherBlobError extends UpstreamWrong {}

/**
 * @param told `total` bytes by this source, where it tells; `size` by those before
 * @throws OtherBlobError
 */
export function mustBeSameBlob(
  { where }: UpstreamUrl,
  { total, size }: { readonly total: number | undefined; readonly size: number },
): void {
  if (total !== undefined && total !== size)
    throw new OtherBlobError(where, `has ${total} bytes where there were ${size} before`);
}

/** The URLs that one blob is fetched from, and what was seen of them meanwhile. */
export class TransferSources {
  readonly #all: readonly UpstreamUrl[];
  /** Those that stalled: they get nothing more while another works. */
  readonly #stalled = new Set<UpstreamUrl>();
  /** Those that answer with the whole, whatever range is asked for. */
  readonly #rangeless = new Set<UpstreamUrl>();
  /** Those that say the blob is not, or another than at first. */
  readonly #out = new Set<UpstreamUrl>();
  readonly #contradicting = new Set<UpstreamUrl>();
  readonly #failures = new Map<UpstreamUrl, UpstreamError>();
  readonly #shortcuts = new Map<UpstreamUrl, Shortcut | undefined>();
  #turn = 0;

  /** @param all best first, at least one */
  constructor(all: readonly UpstreamUrl[]) {
    this.#all = all;
  }

  /** Whether none has the blob. */
  get exhausted(): boolean {
    return this.#all.every((source) => this.#out.has(source));
  }

  /** Whether one may answer with the range that is asked for. */
  get ranged(): boolean {
    return this.#all.some((source) => !this.#rangeless.has(source));
  }

  /** Those that told another size than was told at first. */
  get contradicting(): ReadonlySet<UpstreamUrl> {
    return this.#contradicting;
  }

  /** What failed last. */
  get lastFailure(): UpstreamError | undefined {
    return [...this.#failures.values()].at(-1);
  }

  /** The next one to fetch from, in turn. */
  next(): UpstreamUrl {
    const told = this.#all.filter((source) => !this.#out.has(source));
    const usable = told.filter((source) => source.unavailable('blob') === undefined);
    const ranged = usable.filter((source) => !this.#rangeless.has(source));
    const lively = ranged.filter((source) => !this.#stalled.has(source));
    const list = [lively, ranged, usable, told].find(({ length }) => length > 0) ?? this.#all;
    const source = list[this.#turn++ % list.length];
    if (source === undefined) throw new Error('a transfer needs a source');
    return source;
  }

  /** Where a source led to last; undefined where it has to be asked itself. */
  shortcut(source: UpstreamUrl): Shortcut | undefined {
    return this.#shortcuts.get(source);
  }

  learnt(source: UpstreamUrl, shortcut: Shortcut | undefined): void {
    this.#shortcuts.set(source, shortcut);
  }

  ignoresRanges(source: UpstreamUrl): void {
    this.#rangeless.add(source);
  }

  failed(source: UpstreamUrl, error: UpstreamError): void {
    this.#failures.set(source, error);
    // It may have led to what failed, and may lead elsewhere now.
    this.#shortcuts.delete(source);
    if (error instanceof UpstreamNotFound || error instanceof OtherBlobError) this.#out.add(source);
    if (error instanceof OtherBlobError) this.#contradicting.add(source);
    if (error instanceof UpstreamSlow) this.#stalled.add(source);
  }
}
