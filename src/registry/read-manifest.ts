import type { Reference } from '../oci/reference.ts';
import { answerEmpty, clientSignal, matchesEntityTag } from './answers.ts';
import { IMMUTABLE } from './read-blob.ts';
import type { RepositoryExchange } from './registry-api.ts';

/** end-3: GET and HEAD of a manifest. */
export async function readManifest(
  { ctx, repository }: RepositoryExchange,
  reference: Reference,
): Promise<void> {
  const method = ctx.method === 'HEAD' ? 'HEAD' : 'GET';
  const manifest = await repository.reader.manifest(reference, { method, signal: clientSignal(ctx) });
  const etag = `"${manifest.digest}"`;
  ctx.set('Docker-Content-Digest', manifest.digest);
  ctx.set('ETag', etag);
  if (reference.kind === 'digest') ctx.set('Cache-Control', IMMUTABLE);
  if (manifest.warning !== undefined) ctx.set('Warning', warningOf(manifest.warning));
  if (matchesEntityTag(ctx.headers['if-none-match'], etag)) {
    answerEmpty(ctx, 304);
    return;
  }
  ctx.status = 200;
  ctx.set('Content-Type', manifest.mediaType);
  // Whoever pushed it chose the type; a browser that is led to a page among manifests must not run what is in it.
  if (!/^application\//i.test(manifest.mediaType)) ctx.set('Content-Security-Policy', 'sandbox');
  ctx.set('Content-Length', String(manifest.size));
  if (method === 'GET') ctx.body = manifest.content;
}

/** A quoted text, of letters that a header can hold. */
function warningOf(text: string): string {
  return `299 - ${JSON.stringify(text).replace(/[^\x20-\x7e]/g, '?')}`;
}
