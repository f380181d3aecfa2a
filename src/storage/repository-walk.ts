import { isRepositoryNameComponent } from '../oci/repository-name.ts';
import type { StorageDriver } from './driver.ts';
import { walkFlat } from './flat-walk.ts';
import { repositoriesFolder } from './layout.ts';
import type { RepositoryFolder, WalkOptions } from './repository-folder.ts';

/** Folder names read at a time. */
const NAMES_AT_A_TIME = 1000;

/**
 * Every folder below `repositories`, each folder's in ASCII order, a folder before what lies below it; where the
 * storage lists flat, every repository in the order of the keys. Reads only as far as it is asked.
 */
export function walkRepositories(
  driver: StorageDriver,
  options: WalkOptions = {},
): AsyncGenerator<RepositoryFolder> {
  const lister = driver.capabilities?.flatLister;
  if (lister !== undefined) return walkFlat(lister, options);
  const { after, signal } = options;
  const path = after === undefined || after === '' ? [] : after.split('/');
  return walk({ driver, signal }, '', path);
}

interface Walk {
  readonly driver: StorageDriver;
  readonly signal: AbortSignal | undefined;
}

/** @param path components, below this folder, of the name to start behind */
async function* walk(of: Walk, folder: string, path: readonly string[]): AsyncGenerator<RepositoryFolder> {
  const [first, ...rest] = path;
  if (first !== undefined && isRepositoryNameComponent(first)) yield* walk(of, join(folder, first), rest);
  let from = first;
  for (;;) {
    const page = await of.driver.list(
      folder === '' ? repositoriesFolder : `${repositoriesFolder}/${folder}`,
      {
        limit: NAMES_AT_A_TIME,
        ...(from === undefined ? {} : { after: from }),
        ...(of.signal === undefined ? {} : { signal: of.signal }),
      },
    );
    for (const entry of page.entries) {
      if (entry.kind === 'folder' && !entry.name.startsWith('_')) yield* visit(of, join(folder, entry.name));
    }
    from = page.entries.at(-1)?.name;
    if (!page.more || from === undefined) return;
  }
}

async function* visit(of: Walk, name: string): AsyncGenerator<RepositoryFolder> {
  const { entries } = await of.driver.list(`${repositoriesFolder}/${name}`);
  const folders = entries.filter((entry) => entry.kind === 'folder').map((entry) => entry.name);
  yield { name, parts: new Set(folders.filter((part) => part.startsWith('_'))) };
  if (folders.some((part) => !part.startsWith('_'))) yield* walk(of, name, []);
}

const join = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);
