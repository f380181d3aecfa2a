import { RegistryError } from './errors.ts';

declare const brand: unique symbol;

/** A repository name as the specification's "Pulling manifests" has it, at most 255 characters. */
export type RepositoryName = string & { readonly [brand]: 'RepositoryName' };

/** Characters; what clients and distribution take, host name included. */
export const MAX_REPOSITORY_NAME_LENGTH = 255;

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const NAME = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const ONE_COMPONENT = new RegExp(`^${COMPONENT}$`);

export function isRepositoryName(text: string): text is RepositoryName {
  return text.length <= MAX_REPOSITORY_NAME_LENGTH && NAME.test(text);
}

/** Whether the text may stand as one path component of a repository name. */
export function isRepositoryNameComponent(text: string): boolean {
  return text.length <= MAX_REPOSITORY_NAME_LENGTH && ONE_COMPONENT.test(text);
}

/** @throws RegistryError NAME_INVALID */
export function parseRepositoryName(text: string): RepositoryName {
  if (text.length > MAX_REPOSITORY_NAME_LENGTH) {
    throw new RegistryError('NAME_INVALID', {
      message: `a repository name has at most ${MAX_REPOSITORY_NAME_LENGTH} characters, this one has ${text.length}`,
    });
  }
  if (isRepositoryName(text)) return text;
  throw new RegistryError('NAME_INVALID', {
    message:
      `invalid repository name ${JSON.stringify(text)}: components of lower-case letters and digits, ` +
      `joined by '.', '_', '__' or '-', separated by '/'`,
  });
}
