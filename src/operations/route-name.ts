/** What follows `/v2/<name>/` in each route, and distribution's name of it. */
const ROUTES: readonly (readonly [RegExp, string])[] = [
  [/\/manifests\/[^/]+$/, 'manifest'],
  [/\/blobs\/uploads\/?$/, 'blob_upload'],
  [/\/blobs\/uploads\/[^/]+$/, 'blob_upload_chunk'],
  [/\/blobs\/[^/]+$/, 'blob'],
  [/\/tags\/list$/, 'tags'],
  [/\/referrers\/[^/]+$/, 'referrers'],
];

/**
 * The route of a request's target, as distribution names it in metrics: base, catalog, manifest, tags, blob,
 * blob_upload, blob_upload_chunk; and referrers, token (our login) and other.
 */
export function routeName(target: string): string {
  const path = target.split('?', 1)[0] ?? '';
  const api = path.indexOf('/v2/');
  if (api < 0) {
    if (path.endsWith('/v2')) return 'base';
    return path.includes('/auth/') ? 'token' : 'other';
  }
  const rest = path.slice(api + '/v2'.length);
  if (rest === '/') return 'base';
  if (rest === '/_catalog') return 'catalog';
  return ROUTES.find(([pattern]) => pattern.test(rest))?.[1] ?? 'other';
}
