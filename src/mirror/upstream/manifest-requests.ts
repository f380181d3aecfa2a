import { type Digest, isDigest } from '../../oci/digest.ts';
import { ALL_MANIFEST_TYPES } from '../../oci/media-types.ts';
import type { Reference } from '../../oci/reference.ts';
import { parseContentLength } from './content-range.ts';
import { readBody } from './read-body.ts';
import { type ReceivedManifest, receiveManifest } from './received-manifest.ts';
import { discard } from './response-body.ts';
import { type HopResponse, single } from './transport.ts';
import { UpstreamWrong } from './upstream-errors.ts';
import type { UpstreamRequest, UpstreamUrl } from './upstream-url.ts';

/** Bytes of a manifest that are taken; registries take 4 MiB and some. */
const MANIFEST_LIMIT = 8 * 1024 * 1024;
const ACCEPT = ALL_MANIFEST_TYPES.join(', ');

/** What a HEAD of a manifest told, or the GET in its place. */
export interface ManifestHead {
  readonly digest: Digest;
  readonly mediaType: string | undefined;
  /** Bytes. */
  readonly size: number | undefined;
  /** The manifest itself, where only a GET tells and it is another than the one known. */
  readonly whole?: ReceivedManifest;
}

/** What is asked at which repository, by its name upstream. */
export interface ManifestQuery {
  readonly repository: string;
  readonly reference: Reference;
  readonly signal?: AbortSignal | undefined;
}

export interface ManifestHeadQuery extends ManifestQuery {
  /** The digest of the manifest that is here: the same one need not be sent again. */
  readonly known?: Digest | undefined;
}

/**
 * A HEAD, which Docker Hub does not count; where HEAD is refused or tells no digest a GET, on the condition that the
 * manifest is another than the one known (RFC 9110 section 13.1.2).
 * @throws UpstreamError
 */
export async function headManifest(url: UpstreamUrl, query: ManifestHeadQuery): Promise<ManifestHead> {
  if (url.missingHeads.expected) return await getForHead(url, query);
  const head = await askHead(url, query);
  if (head !== undefined) return head;
  const instead = await getForHead(url, query);
  // Seen only where GET works: a login page that stands before a registry for a while tells no digest either.
  url.missingHeads.seen();
  return instead;
}

async function getForHead(url: UpstreamUrl, query: ManifestHeadQuery): Promise<ManifestHead> {
  const { known } = query;
  if (known === undefined) return headOf(await fetchManifest(url, query));
  // Registries have the digest for an ETag.
  const response = await url.request(manifestRequest('GET', query, { 'if-none-match': `"${known}"` }));
  if (response.status !== 304) return headOf(await receive(url, query, response));
  await discard(response.body);
  return { digest: known, mediaType: undefined, size: undefined };
}

/** @throws UpstreamError */
export async function fetchManifest(url: UpstreamUrl, query: ManifestQuery): Promise<ReceivedManifest> {
  return await receive(url, query, await url.request(manifestRequest('GET', query)));
}

/** @returns undefined where HEAD is refused or tells no digest */
async function askHead(url: UpstreamUrl, query: ManifestQuery): Promise<ManifestHead | undefined> {
  const { status, headers, body } = await url.request(manifestRequest('HEAD', query));
  await discard(body);
  const digest = single(headers, 'docker-content-digest');
  if (status !== 200 || digest === undefined || !isDigest(digest)) return undefined;
  if (query.reference.kind === 'digest' && digest !== query.reference.digest) {
    throw new UpstreamWrong(url.where, `answered ${digest} for ${query.reference.digest}`);
  }
  const mediaType = single(headers, 'content-type')?.split(';')[0]?.trim();
  return { digest, mediaType, size: parseContentLength(single(headers, 'content-length')) };
}

function headOf(whole: ReceivedManifest): ManifestHead {
  return { digest: whole.digest, mediaType: whole.mediaType, size: whole.content.length, whole };
}

async function receive(
  url: UpstreamUrl,
  query: ManifestQuery,
  response: HopResponse,
): Promise<ReceivedManifest> {
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

function manifestRequest(
  method: 'GET' | 'HEAD',
  { repository, reference, signal }: ManifestQuery,
  condition: Readonly<Record<string, string>> = {},
): UpstreamRequest {
  const text = reference.kind === 'tag' ? reference.tag : reference.digest;
  return {
    method,
    purpose: 'manifest',
    repository,
    path: `/manifests/${text}`,
    headers: { accept: ACCEPT, ...condition },
    signal,
  };
}
