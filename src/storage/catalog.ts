import { isRepositoryName, isRepositoryNameComponent, type RepositoryName } from '../oci/repository-name.ts';
import type { FolderEntry, StorageDriver } from './driver.ts';
import { repositoriesFolder, repositoryFolder } from './layout.ts';

/** Folder names read at a time while the tree is walked. */
const NAMES_AT_A_TIME = 1000;

/** Which repositories there are: those with `_manifests`, as in distribution. */
export class Catalog {
  readonly #driver: StorageDriver;

  constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  async has(name: RepositoryName): Promise<boolean> {
    const { entries } = await this.#driver.list(repositoryFolder(name));
    return entries.some(isManifestsFolder);
  }

  /**
   * Folder by folder, each in ASCII order, a repository before what lies below it. Reads as far as it is asked.
   * @param after only what comes behind this name in that order, whether it exists or not
   */
  async *names(after?: string, signal?: AbortSignal): AsyncGenerator<RepositoryName> {
    const path = after === undefined || after === '' ? [] : after.split('/');
    for await (const name of this.#walk('', path, signal)) {
      if (isRepositoryName(name)) yield name;
    }
  }

  /** @param path the components of the name to start behind that lie below this folder */
  async *#walk(
    folder: string,
    path: readonly string[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<string> {
    const [first, ...rest] = path;
    if (first !== undefined && isRepositoryNameComponent(first)) {
      yield* this.#walk(join(folder, first), rest, signal);
    }
    let from = first;
    for (;;) {
      const page = await this.#driver.list(
        folder === '' ? repositoriesFolder : `${repositoriesFolder}/${folder}`,
        {
          limit: NAMES_AT_A_TIME,
          ...(from === undefined ? {} : { after: from }),
          ...(signal === undefined ? {} : { signal }),
        },
      );
      for (const entry of page.entries) {
        if (entry.kind === 'folder' && !entry.name.startsWith('_')) {
          const name = join(folder, entry.name);
          if (await this.#isRepository(name)) yield name;
          yield* this.#walk(name, [], signal);
        }
      }
      from = page.entries.at(-1)?.name;
      if (!page.more || from === undefined) return;
    }
  }

  async #isRepository(name: string): Promise<boolean> {
    const { entries } = await this.#driver.list(`${repositoriesFolder}/${name}`);
    return entries.some(isManifestsFolder);
  }
}

const isManifestsFolder = (entry: FolderEntry): boolean =>
  entry.kind === 'folder' && entry.name === '_manifests';

const join = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);
