import { isRepositoryNameComponent } from '../oci/repository-name.ts';

/** In the rules it means everybody. */
const EVERYBODY = 'anonymous';
/** Docker Hub's name for its official images, where bare names are looked up. */
const OFFICIAL = 'library';

/**
 * Whether the name can own a namespace: it must be a valid first component of a repository name and must not
 * stand for something else.
 * @param taken names and aliases of the upstreams, which have their images below them
 * @returns why it cannot, or undefined
 */
export function accountNameFault(name: string, taken: readonly string[]): string | undefined {
  if (!isRepositoryNameComponent(name)) {
    return (
      "a user's name is the first part of repository names: lower-case letters and digits, " +
      "joined by '.', '_', '__' or '-'"
    );
  }
  if (name === EVERYBODY) return `${EVERYBODY} stands for everybody in the access rules`;
  if (name === OFFICIAL) return `${OFFICIAL}/ is where Docker Hub has its official images`;
  if (taken.includes(name)) return `${name} is a mirrored upstream's name`;
  return undefined;
}
