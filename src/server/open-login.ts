import { availableParallelism } from 'node:os';
import type { Context, Middleware } from 'koa';
import { Authenticator } from '../auth/authenticator.ts';
import { openBuiltinAuth } from '../auth/builtin-auth.ts';
import { ComparisonQueue, WAITING_COMPARISONS } from '../auth/comparison-queue.ts';
import { ExternalTokenAuthorizer } from '../auth/external-token-authorizer.ts';
import { HtpasswdAuthorizer } from '../auth/htpasswd-authorizer.ts';
import { HtpasswdUsers } from '../auth/htpasswd-users.ts';
import type { NameResolver } from '../auth/name-resolver.ts';
import { openAuthorizer } from '../auth/open-authorizer.ts';
import { provisionHtpasswd } from '../auth/provision-htpasswd.ts';
import { readTrust } from '../auth/trusted-keys.ts';
import type { Config, HtpasswdAuth, TokenAuth } from '../config/config.ts';
import type { Authorizer, Caller } from '../oci/access.ts';
import type { Logs } from '../operations/logs.ts';
import type { StorageDriver } from '../storage/driver.ts';

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
const COMPARISONS = Math.max(1, Math.min(2, Math.floor(availableParallelism() / 2)));

/** @throws Error when users, keys or certificates cannot be read or understood */
export async function openLogin(config: Config, options: LoginOptions): Promise<Login> {
  const { auth } = config;
  switch (auth.mode) {
    case 'none':
      return withoutRoutes(openAuthorizer);
    case 'htpasswd':
      return withoutRoutes(await openHtpasswd(auth, options));
    case 'token':
      return withoutRoutes(await openToken(auth, options));
    case 'builtin': {
      const builtin = await openBuiltinAuth({
        ...auth,
        upstreamNames: config.mirror?.upstreams.flatMap(({ name, aliases }) => [name, ...aliases]) ?? [],
        names: options.names,
        storage: options.driver,
        comparisons: COMPARISONS,
        log: options.logs.logger,
        auditLog: options.logs.always,
        now: Date.now,
      });
      return {
        authorizer: builtin.authorizer,
        routes: (callerOf) => [builtin.routes(callerOf)],
        [Symbol.dispose]: () => builtin[Symbol.dispose](),
      };
    }
    default:
      return auth satisfies never;
  }
}

async function openHtpasswd({ path, realm }: HtpasswdAuth, { logs }: LoginOptions): Promise<Authorizer> {
  await provisionHtpasswd(path, logs.logger);
  const users = new HtpasswdUsers({ path, log: logs.logger, now: Date.now });
  const queue = new ComparisonQueue({ ...WAITING_COMPARISONS, concurrency: COMPARISONS });
  const authenticator = new Authenticator({ users, queue, throttle: undefined, now: Date.now });
  return new HtpasswdAuthorizer({ realm, authenticator, auditLog: logs.always });
}

async function openToken(auth: TokenAuth, { logs }: LoginOptions): Promise<Authorizer> {
  return new ExternalTokenAuthorizer({
    ...auth,
    algorithms: auth.signingAlgorithms,
    trust: await readTrust(auth),
    auditLog: logs.always,
    now: Date.now,
  });
}

function withoutRoutes(authorizer: Authorizer): Login {
  return { authorizer, routes: () => [], [Symbol.dispose]: () => {} };
}
