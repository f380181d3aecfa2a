import { type Digest, isDigest } from '../../oci/digest.ts';
import { ALL_MANIFEST_TYPES } from '../../oci/media-types.ts';
import type { Reference } from '../../oci/reference.ts';
import { parseContentLength } from './content-range.ts';
import { readBody } from './read-body.ts';
import { type ReceivedManifest, receiveManifest } from './received-manifest.ts';
import { discard } from './response-body.ts';
import { single } from './transport.ts';
import { UpstreamWrong } from './upstream-errors.ts';
import type { UpstreamRequest, UpstreamUrl } from './upstream-url.ts';

/** Bytes of a manifest that are taken; registries take 4 MiB and some. */
const MANIFEST_LIMIT = 8 * 1024 * 1024;
const ACCEPT = ALL_MANIFEST_TYPES.join(', ');

/** What a HEAD of a manifest told. */
export interface ManifestHead {
  readonly digest: Digest;
  readonly mediaType: string | undefined;
  /** Bytes. */
  readonly size: number | undefined;
}

/** What is asked at which repository, by its name upstream. */
export interface ManifestQuery {
  readonly repository: string;
  readonly reference: Reference;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A HEAD, which Docker Hub does not count; a GET where HEAD is refused or tells no digest.
 * @throws UpstreamError
 */
export async function headManifest(url: UpstreamUrl, query: ManifestQuery): Promise<ManifestHead> {
  const response = await url.request(manifestRequest('HEAD', query));
  await discard(response.body);
  const digest = single(response.headers, 'docker-content-digest');
  if (response.status === 405 || digest === undefined || !isDigest(digest)) {
    const { digest, mediaType, content } = await fetchManifest(url, query);
    return { digest, mediaType, size: content.length };
  }
  if (query.reference.kind === 'digest' && digest !== query.reference.digest) {
    throw new UpstreamWrong(url.where, `answered ${digest} for ${query.reference.digest}`);
  }
  const mediaType = single(response.headers, 'content-type')?.split(';')[0]?.trim();
  return { digest, mediaType, size: parseContentLength(single(response.headers, 'content-length')) };
}

/** @throws UpstreamError */
export async function fetchManifest(url: UpstreamUrl, query: ManifestQuery): Promise<ReceivedManifest> {
  const response = await url.request(manifestRequest('GET', query));
  const content = await readBody(url, { response, limit: MANIFEST_LIMIT, signal: query.signal });
  if (response.status !== 200)
    throw new UpstreamWrong(url.where, `answered ${response.status} for a manifest`);
  const received = receiveManifest(content, {
    contentType: single(response.headers, 'content-type'),
    digestHeader: single(response.headers, 'docker-content-digest'),
    asked: query.reference.kind === 'digest' ? query.reference.digest : undefined,
  });
  if (typeof received === 'string') throw new UpstreamWrong(url.where, received);
  return received;
}

function manifestRequest(method: 'GET' | 'HEAD', query: ManifestQuery): UpstreamRequest {
  const { repository, reference, signal } = query;
  const text = reference.kind === 'tag' ? reference.tag : reference.digest;
  return {
    method,
    purpose: 'manifest',
    repository,
    path: `/manifests/${text}`,
    headers: { accept: ACCEPT },
    signal,
  };
}
