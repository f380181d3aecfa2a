import { type Digest, digestAlgorithm, digestOf } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { type Manifest, parseManifest } from '../oci/manifest.ts';
import { formatReference, parseTag, type Reference, type Tag } from '../oci/reference.ts';
import { readSmallBody } from '../operations/request-body.ts';
import { answerEmpty, locationOf, queryValues } from './answers.ts';
import { record } from './audit.ts';
import { checkManifest } from './check-manifest.ts';
import type { RepositoryExchange } from './registry-api.ts';

/** `?tag=` parameters of one PUT that are taken; the specification asks for at least 10. */
const MOST_TAGS = 100;

/** end-7a, end-7b: PUT of a manifest by tag or by digest, with further tags as `?tag=`. */
export async function putManifest(exchange: RepositoryExchange, reference: Reference): Promise<void> {
  const { ctx, api, repository } = exchange;
  const tags = tagsOf(exchange, reference);
  const content = await readManifestBody(exchange);
  const manifest = parseManifest(content, ctx.headers['content-type']);
  const digest = digestOfManifest(content, reference);
  await checkManifest(exchange, manifest);
  await api.storage.manifests.put(repository.stored, { digest, content, manifest, tags });
  record(exchange, { audit: 'push', reference: formatReference(reference) });
  answerCreated(exchange, { digest, manifest, reference });
}

/** end-9: DELETE of a tag, or of a manifest with all its tags. */
export async function deleteManifest(exchange: RepositoryExchange, reference: Reference): Promise<void> {
  const { ctx, api, repository } = exchange;
  const { manifests, tags } = api.storage;
  const removed =
    reference.kind === 'tag'
      ? await tags.remove(repository.stored, reference.tag)
      : (await manifests.remove(repository.stored, reference.digest)) !== undefined;
  if (!removed) {
    throw new RegistryError('MANIFEST_UNKNOWN', {
      message: `no manifest ${formatReference(reference)} in ${repository.asked}: nothing was deleted`,
      detail: { name: repository.asked, reference: formatReference(reference) },
    });
  }
  record(exchange, { audit: 'delete', reference: formatReference(reference) });
  answerEmpty(ctx, 202);
}

async function readManifestBody({ ctx, api }: RepositoryExchange): Promise<Buffer> {
  const { maxManifestSize: limit, idleBody: idle } = api.settings;
  const content = await readSmallBody(ctx.req, ctx.res, { limit, idle });
  if (content.length === 0)
    throw new RegistryError('MANIFEST_INVALID', { message: 'manifest invalid: it is empty' });
  return content;
}

function tagsOf({ ctx }: RepositoryExchange, reference: Reference): readonly Tag[] {
  const more = queryValues(ctx, 'tag').map(parseTag);
  if (more.length > MOST_TAGS) {
    throw new RegistryError('TAG_INVALID', {
      status: 414,
      message: `at most ${MOST_TAGS} tags are taken with one manifest, these are ${more.length}`,
    });
  }
  return [...new Set(reference.kind === 'tag' ? [reference.tag, ...more] : more)];
}

function digestOfManifest(content: Buffer, reference: Reference): Digest {
  const algorithm = reference.kind === 'digest' ? digestAlgorithm(reference.digest) : 'sha256';
  const digest = digestOf(content, algorithm);
  if (reference.kind === 'digest' && reference.digest !== digest) {
    throw new RegistryError('DIGEST_INVALID', {
      message: `the manifest has the digest ${digest}, not ${reference.digest}`,
      detail: { expected: reference.digest, actual: digest },
    });
  }
  return digest;
}

function answerCreated(
  { ctx, api, repository }: RepositoryExchange,
  stored: { readonly digest: Digest; readonly manifest: Manifest; readonly reference: Reference },
): void {
  const path = `/v2/${repository.asked}/manifests/${stored.digest}`;
  answerEmpty(ctx, 201);
  ctx.set('Location', locationOf(ctx, { path, relative: api.settings.relativeUrls }));
  ctx.set('Docker-Content-Digest', stored.digest);
  const { subject } = stored.manifest;
  if (subject !== undefined) ctx.set('OCI-Subject', subject.digest);
  const asked = queryValues(ctx, 'tag');
  if (asked.length > 0) ctx.set('OCI-Tag', [...new Set(asked)]);
}
