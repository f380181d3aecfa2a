import { RegistryError } from '../oci/errors.ts';
import { locationOf, queryValue } from './answers.ts';
import type { RegistryContext } from './registry-api.ts';

export interface PageRequest {
  /** Entries of the page; 0 asks for none. */
  readonly limit: number;
  /** Exclusive. */
  readonly after: string | undefined;
}

/**
 * `n` and `last`, specification "Listing Tags".
 * @param most what `n` is cut to, and its value where it is not given
 * @throws RegistryError PAGINATION_NUMBER_INVALID
 */
export function parsePage(ctx: RegistryContext, most: number): PageRequest {
  const n = queryValue(ctx, 'n');
  if (n !== undefined && !/^\d+$/.test(n)) {
    throw new RegistryError('PAGINATION_NUMBER_INVALID', {
      message: `n must be a whole number from 0 up, not ${JSON.stringify(n.slice(0, 80))}`,
      detail: { n: n.slice(0, 80) },
    });
  }
  const last = queryValue(ctx, 'last');
  return {
    limit: n === undefined ? most : Math.min(Number(n), most),
    after: last === undefined || last === '' ? undefined : last,
  };
}

/** RFC 8288 `Link` to the page behind `last`; other parameters of the request go along. */
export function setNextLink(
  ctx: RegistryContext,
  page: { readonly last: string; readonly limit?: number; readonly path: string },
): void {
  const query = new URLSearchParams(ctx.querystring);
  if (page.limit !== undefined) query.set('n', String(page.limit));
  query.set('last', page.last);
  const url = locationOf(ctx, { path: `${page.path}?${query}`, relative: true });
  ctx.set('Link', `<${url}>; rel="next"`);
}
