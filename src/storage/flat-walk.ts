import type { FlatLister } from './capabilities.ts';
import { repositoriesFolder } from './layout.ts';
import type { RepositoryFolder, WalkOptions } from './repository-folder.ts';

/** Sorts behind everything that may follow in a key. */
const LAST = '~';

const ROOT = `${repositoriesFolder}/`;

/**
 * Every repository by listing flat, many in one request, in the order of the keys: `a/0` comes before `a`, `a-b`
 * before `a` too, and `a/b` behind it. What fills an answer alone is jumped past.
 */
export async function* walkFlat(
  lister: FlatLister,
  { after, signal }: WalkOptions,
): AsyncGenerator<RepositoryFolder> {
  let from = after === undefined || after === '' ? undefined : `${ROOT}${after}/_${LAST}`;
  let current: { name: string; parts: Set<string> } | undefined;
  for (;;) {
    const page = await lister.listFlat(ROOT, {
      ...(from === undefined ? {} : { after: from }),
      ...(signal === undefined ? {} : { signal }),
    });
    for (const key of page.keys) {
      const place = placeOf(key);
      if (place === undefined) continue;
      if (place.name !== current?.name) {
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

/** `<root>/<name>/_part/…`; undefined for a key that is no repository's. */
function placeOf(key: string): { readonly name: string; readonly part: string } | undefined {
  const path = key.slice(ROOT.length);
  const start = path.indexOf('/_');
  if (start <= 0) return undefined;
  const end = path.indexOf('/', start + 1);
  if (end === -1) return undefined;
  return { name: path.slice(0, start), part: path.slice(start + 1, end) };
}
