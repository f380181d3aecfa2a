import { isRepositoryName, type RepositoryName } from '../oci/repository-name.ts';
import type { StorageDriver } from './driver.ts';
import { repositoryFolder } from './layout.ts';
import { KeyDensity, type WalkOptions } from './repository-folder.ts';
import { walkRepositories } from './repository-walk.ts';

/** Keys of a repository with one small image. */
const FIRST_GUESS = 5;

/** Which repositories there are: those with `_manifests`, as in distribution. */
export class Catalog {
  readonly #driver: StorageDriver;

  readonly #density = new KeyDensity(FIRST_GUESS);

  constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  /** Asks for one entry: below a name there may be ten thousand others. */
  async has(name: RepositoryName): Promise<boolean> {
    const { entries } = await this.#driver.list(repositoryFolder(name), { after: '_manifest', limit: 1 });
    return entries.some((entry) => entry.kind === 'folder' && entry.name === '_manifests');
  }

  /** In the order of `walkRepositories`, behind `after`. Reads as far as it is asked. */
  async *names(options: WalkOptions = {}): AsyncGenerator<RepositoryName> {
    for await (const { name, parts } of walkRepositories(this.#driver, {
      ...options,
      density: this.#density,
    })) {
      if (parts.has('_manifests') && isRepositoryName(name)) yield name;
    }
  }
}
