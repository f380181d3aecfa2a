import type { FolderEntry, FolderPage, ListOptions } from '../driver.ts';
import type { Caller } from './caller.ts';
import { LIST_MAX, listPage } from './listing.ts';

/**
 * The names directly below a folder, in ASCII order.
 *
 * S3 sorts `v1-rc/` and `v1.0/` before `v1/`, since it compares the slash too: a folder comes later than it should,
 * behind names that go on with a character below `/`. So a name may be given out only when none of its beginnings
 * that could still come has to go before it. For a page, the few that are open are asked for directly.
 */
export async function listFolder(caller: Caller, folder: string, options: ListOptions): Promise<FolderPage> {
  const { after, limit = Number.POSITIVE_INFINITY, signal } = options;
  const prefix = folder === '' ? '' : `${folder}/`;
  const found = new Map<string, FolderEntry>();
  let position = after ?? '';
  let token: string | undefined;
  do {
    const page = await listPage(caller, {
      prefix,
      delimiter: '/',
      after: after === undefined || after === '' ? undefined : prefix + after,
      token,
      // One more than is asked for tells whether more follow; a folder of the name `after` itself may come too.
      limit: Math.min(LIST_MAX, limit - found.size + 2),
      signal,
    });
    const names = [
      ...page.objects.map(({ key }): [string, FolderEntry] => {
        const name = key.slice(prefix.length);
        return [name, { name, kind: 'object' }];
      }),
      ...page.prefixes.map((key): [string, FolderEntry] => {
        const name = key.slice(prefix.length, -1);
        return [`${name}/`, { name, kind: 'folder' }];
      }),
    ];
    for (const [place, entry] of names) {
      if (place > position) position = place;
      if (entry.name !== '' && (after === undefined || entry.name > after)) note(found, entry);
    }
    token = page.next;
  } while (token !== undefined && found.size <= limit);
  if (token !== undefined) await findLateFolders(caller, { prefix, found, position, after, signal });
  const sorted = [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const entries = sorted.slice(0, limit);
  return { entries, more: entries.length < sorted.length };
}

/** A name that is an object and a folder counts as a folder. */
function note(found: Map<string, FolderEntry>, entry: FolderEntry): void {
  if (entry.kind === 'folder' || !found.has(entry.name)) found.set(entry.name, entry);
}

interface Unfinished {
  readonly prefix: string;
  readonly found: Map<string, FolderEntry>;
  /** Up to where S3 was read, in its order. */
  readonly position: string;
  readonly after: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Asks for the folders that S3 has yet to list, though they sort before names that were found. */
async function findLateFolders(caller: Caller, unfinished: Unfinished): Promise<void> {
  const { prefix, found, position, after, signal } = unfinished;
  const open = new Set<string>();
  for (const { name, kind } of found.values()) {
    for (const beginning of beginningsBeforeSlash(name, kind)) {
      if (`${beginning}/` > position && (after === undefined || beginning > after)) open.add(beginning);
    }
  }
  await Promise.all(
    [...open].map(async (name) => {
      const { objects } = await listPage(caller, { prefix: `${prefix}${name}/`, limit: 1, signal });
      if (objects.length > 0) note(found, { name, kind: 'folder' });
    }),
  );
}

/** Beginnings of a name that, as folders, S3 sorts behind it. An object's own name is one. */
function* beginningsBeforeSlash(name: string, kind: FolderEntry['kind']): Generator<string> {
  for (let length = 1; length < name.length; length += 1) {
    if (name.charCodeAt(length) < SLASH) yield name.slice(0, length);
  }
  if (kind === 'object') yield name;
}

const SLASH = '/'.charCodeAt(0);
