import type { FlatLister } from './capabilities.ts';
import { repositoriesFolder } from './layout.ts';
import type { RepositoryFolder, WalkOptions } from './repository-folder.ts';

/** Sorts behind everything that may follow in a key. */
const LAST = '~';

/** Keys that a list asks for at least. */
const LEAST_KEYS = 50;

/** More than what the average says, since they differ. */
const SPARE = 1.1;

const ROOT = `${repositoriesFolder}/`;

/**
 * Every repository by listing flat, many in one request, in the order of the keys: `a/0` comes before `a`, `a-b`
 * before `a` too, and `a/b` behind it. What fills an answer alone is jumped past.
 */
export async function* walkFlat(
  lister: FlatLister,
  { after, wanted, signal, density }: WalkOptions,
): AsyncGenerator<RepositoryFolder> {
  let from = after === undefined || after === '' ? undefined : `${ROOT}${after}/_${LAST}`;
  let current: { name: string; parts: Set<string> } | undefined;
  let found = 0;
  for (;;) {
    const limit = limitFor(wanted, { found, each: density?.average });
    const page = await lister.listFlat(ROOT, {
      ...(from === undefined ? {} : { after: from }),
      ...(limit === undefined ? {} : { limit }),
      ...(signal === undefined ? {} : { signal }),
    });
    const places = page.keys.map(placeOf).filter((place) => place !== undefined);
    const repositories = new Set(places.map(({ name }) => name)).size;
    density?.learn({ keys: page.keys.length, repositories });
    for (const place of places) {
      if (place.name !== current?.name) {
        found += 1;
        if (current !== undefined) yield current;
        current = { name: place.name, parts: new Set() };
      }
      current.parts.add(place.part);
    }
    const last = page.keys.at(-1);
    if (!page.more || last === undefined) break;
    const place = placeOf(last);
    from = place === undefined ? last : `${ROOT}${place.name}/${place.part}/${LAST}`;
  }
  if (current !== undefined) yield current;
}

/**
 * Keys to ask for: the longer an answer is, the longer it takes, and a page of the catalog needs a few hundred of the
 * thousand that fit in.
 */
function limitFor(
  wanted: number | undefined,
  { found, each }: { readonly found: number; readonly each: number | undefined },
): number | undefined {
  if (wanted === undefined || each === undefined) return undefined;
  // The one behind the last tells that there is more; one that is seen is over only when the next one begins.
  const left = wanted + 2 - found;
  return left <= 0 ? undefined : Math.max(LEAST_KEYS, Math.ceil(left * each * SPARE));
}

/** `<root>/<name>/_part/…`; undefined for a key that is no repository's. */
function placeOf(key: string): { readonly name: string; readonly part: string } | undefined {
  const path = key.slice(ROOT.length);
  const start = path.indexOf('/_');
  if (start <= 0) return undefined;
  const end = path.indexOf('/', start + 1);
  if (end === -1) return undefined;
  return { name: path.slice(0, start), part: path.slice(start + 1, end) };
}
