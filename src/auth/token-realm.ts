import type { Caller } from '../oci/access.ts';

export interface RealmOptions {
  /** Undefined: worked out from the request. */
  readonly realm: string | undefined;
  /** Undefined: the host asked. */
  readonly service: string | undefined;
}

/** Of the token endpoint on this server, behind what stands before `/v2/`. */
export const TOKEN_PATH = '/auth/token';

/** Where a caller takes its token. The path goes on with the upstream that its bare names are meant at. */
export function realmOf({ realm }: RealmOptions, { origin, urlPrefix, upstream }: Caller): string {
  const url = realm ?? `${origin}${urlPrefix}${TOKEN_PATH}`;
  return upstream === undefined ? url : `${url.replace(/\/$/, '')}/${upstream}`;
}

export function serviceOf({ service }: RealmOptions, { host }: Caller): string {
  return service ?? host;
}

/**
 * Whether a token asked for this service will come back to this server. With a realm of its own and no service
 * the host at the token endpoint is not the host that the registry was asked by, so any service may be it.
 */
export function isOwnService(options: RealmOptions, asked: string, caller: Caller): boolean {
  if (options.service !== undefined) return asked === options.service;
  return options.realm !== undefined || asked.toLowerCase() === caller.host.toLowerCase();
}
