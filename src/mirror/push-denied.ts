import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';

/**
 * The refusal of a push to a name that is an upstream's.
 * @param upstreamName what is left of the name without the upstream's; empty where nothing is
 */
export function pushDenied(
  name: RepositoryName,
  upstreamName: string,
  isReserved: (component: string) => boolean,
): RegistryError {
  // A push to `nginx` goes to `nginx`: Docker Hub's `library/` is the upstream's.
  const bare = upstreamName.replace(/^library\//, '');
  const use = bare === '' || isReserved(bare.split('/', 1)[0] ?? '') ? '' : `, such as ${bare},`;
  return new RegistryError('DENIED', {
    message:
      `${name} is mirrored from an upstream, and nothing can be pushed to it here: push to a name that does not begin ` +
      `with an upstream's${use} by a host name that is this server's own`,
    detail: { name },
  });
}
