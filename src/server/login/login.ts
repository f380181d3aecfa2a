import { availableParallelism } from 'node:os';
import type { Context, Middleware } from 'koa';
import type { NameResolver } from '../../auth/name-resolver.ts';
import type { Authorizer, Caller } from '../../oci/access.ts';
import type { Logs } from '../../operations/logs.ts';
import type { StorageDriver } from '../../storage/driver.ts';

export interface LoginOptions {
  readonly driver: StorageDriver;
  /** What names in scopes mean beside a mirror. */
  readonly names: NameResolver;
  readonly logs: Logs;
}

/** What `auth` names, running. */
export interface Login extends Disposable {
  readonly authorizer: Authorizer;
  /** Endpoints of a token service, where it is this server's own. */
  routes(callerOf: (ctx: Context) => Caller): readonly Middleware[];
}

/**
 * bcrypt comparisons at a time: half of libuv's four threads, which files need too, and never all of the processors.
 */
export const COMPARISONS = Math.max(1, Math.min(2, Math.floor(availableParallelism() / 2)));

/** A login whose tokens, if any, come from elsewhere. */
export function withoutRoutes(authorizer: Authorizer): Login {
  return { authorizer, routes: () => [], [Symbol.dispose]: () => {} };
}
