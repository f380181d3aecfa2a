import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts';
import type { Tag } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Key } from './driver.ts';

/*
 * The whole tree, below the driver's root. What is marked * is ours; distribution ignores it. The rest is
 * exactly what distribution 2.8 and 3.1 read and write.
 *
 * docker/registry/v2/
 *   blobs/<alg>/<hex[0:2]>/<hex>/data                      the bytes of a blob or manifest
 *   repositories/<name>/
 *     _layers/<alg>/<hex>/link                             the repository has this blob
 *     _manifests/revisions/<alg>/<hex>/link                the repository has this manifest
 *     _manifests/revisions/<alg>/<hex>/pulled              * of a mirrored one: when it was pulled last, RFC 3339
 *     _manifests/tags/<tag>/current/link                   what the tag leads to
 *     _manifests/tags/<tag>/index/<alg>/<hex>/link         what it led to at any time
 *     _manifests/referrers/<alg>/<subject hex>/<alg>/<hex>/link   * this manifest names that subject
 *     _uploads/<uuid>/startedat                            when the session began, RFC 3339 (not on a bucket)
 *     _uploads/<uuid>/data, data.*, lock*                  the driver's
 *     _uploads/<uuid>/algorithm                            * announced digest algorithm
 *   candidates/graceperiod                                 * milliseconds, as text; holds for all servers
 *   candidates/<alg>/<hex>/candidate                       * found unreachable by garbage collection, and when
 *   candidates/<alg>/<hex>/deleting                        * its data is being deleted
 *
 * A link holds `<alg>:<hex>` without a newline.
 */

const ROOT = 'docker/registry/v2';

export const registryFolder: Key = ROOT;

export const repositoriesFolder: Key = `${ROOT}/repositories`;
export const blobsFolder: Key = `${ROOT}/blobs`;
export const candidatesFolder: Key = `${ROOT}/candidates`;

export const gracePeriodKey: Key = `${candidatesFolder}/graceperiod`;

const digestPath = (digest: Digest): string => `${digestAlgorithm(digest)}/${digestHex(digest)}`;

export function blobDataKey(digest: Digest): Key {
  const hex = digestHex(digest);
  return `${blobsFolder}/${digestAlgorithm(digest)}/${hex.slice(0, 2)}/${hex}/data`;
}

export function repositoryFolder(name: RepositoryName): Key {
  return `${repositoriesFolder}/${name}`;
}

/** The repository that something below `repositories` belongs to, for a log: no component begins with `_`. */
export function repositoryOf(key: Key): string {
  const below = key.slice(repositoriesFolder.length + 1);
  const end = below.indexOf('/_');
  return end < 0 ? below : below.slice(0, end);
}

export function layersFolder(name: RepositoryName): Key {
  return `${repositoryFolder(name)}/_layers`;
}

export function layerLinkKey(name: RepositoryName, digest: Digest): Key {
  return `${layersFolder(name)}/${digestPath(digest)}/link`;
}

export function manifestsFolder(name: RepositoryName): Key {
  return `${repositoryFolder(name)}/_manifests`;
}

export function revisionsFolder(name: RepositoryName): Key {
  return `${manifestsFolder(name)}/revisions`;
}

export function revisionLinkKey(name: RepositoryName, digest: Digest): Key {
  return `${revisionsFolder(name)}/${digestPath(digest)}/link`;
}

export function revisionPulledKey(name: RepositoryName, digest: Digest): Key {
  return `${revisionsFolder(name)}/${digestPath(digest)}/pulled`;
}

export function tagsFolder(name: RepositoryName): Key {
  return `${manifestsFolder(name)}/tags`;
}

export function tagFolder(name: RepositoryName, tag: Tag): Key {
  return `${tagsFolder(name)}/${tag}`;
}

export function tagCurrentLinkKey(name: RepositoryName, tag: Tag): Key {
  return `${tagFolder(name, tag)}/current/link`;
}

export function tagIndexLinkKey(name: RepositoryName, tag: Tag, digest: Digest): Key {
  return `${tagFolder(name, tag)}/index/${digestPath(digest)}/link`;
}

/** Below it `<alg>/<hex>/link` for every manifest whose subject this is. */
export function referrersFolder(name: RepositoryName, subject: Digest): Key {
  return `${manifestsFolder(name)}/referrers/${digestPath(subject)}`;
}

export function referrerLinkKey(name: RepositoryName, subject: Digest, referrer: Digest): Key {
  return `${referrersFolder(name, subject)}/${digestPath(referrer)}/link`;
}

export function uploadsFolder(name: RepositoryName): Key {
  return `${repositoryFolder(name)}/_uploads`;
}

export function uploadFolder(name: RepositoryName, uuid: string): Key {
  return `${uploadsFolder(name)}/${uuid}`;
}

export function uploadStartedAtKey(name: RepositoryName, uuid: string): Key {
  return `${uploadFolder(name, uuid)}/startedat`;
}

export function uploadAlgorithmKey(name: RepositoryName, uuid: string): Key {
  return `${uploadFolder(name, uuid)}/algorithm`;
}

export function candidateKey(digest: Digest): Key {
  return `${candidatesFolder}/${digestPath(digest)}/candidate`;
}

export function deletingKey(digest: Digest): Key {
  return `${candidatesFolder}/${digestPath(digest)}/deleting`;
}
