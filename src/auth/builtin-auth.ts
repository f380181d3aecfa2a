import type { Context, Middleware } from 'koa';
import type { Authorizer, Caller } from '../oci/access.ts';
import { type AccessRule, AccessRules } from './access-rules.ts';
import type { AuditLog } from './audit.ts';
import type { AuthLog } from './auth-log.ts';
import { Authenticator } from './authenticator.ts';
import { BuiltinAuthorizer } from './builtin-authorizer.ts';
import { ComparisonQueue, WAITING_COMPARISONS } from './comparison-queue.ts';
import { readGivenKeys } from './given-key-files.ts';
import type { KeyRing } from './key-ring.ts';
import { LiveUsers } from './live-users.ts';
import { LoginThrottle, type ThrottleOptions } from './login-throttle.ts';
import type { NameResolver } from './name-resolver.ts';
import { StoredKeyRing } from './stored-key-ring.ts';
import type { KeyStorage } from './stored-keys.ts';
import { tokenRoutes } from './token-routes.ts';
import { TokenService } from './token-service.ts';

export interface BuiltinAuthOptions {
  /** Path of the users file. */
  readonly users: string;
  /** Undefined: worked out from the request. */
  readonly realm: string | undefined;
  /** Undefined: the host asked. */
  readonly service: string | undefined;
  readonly issuer: string;
  /** Paths of PEM files: the first signs, all verify. None: made at the first start and kept in the storage. */
  readonly keys: readonly string[];
  /** Milliseconds. */
  readonly expiration: number;
  readonly throttle: Omit<ThrottleOptions, 'now'>;
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly access: readonly AccessRule[];
  /** Names and aliases of the upstreams. */
  readonly upstreamNames: readonly string[];
  readonly names: NameResolver;
  readonly storage: KeyStorage;
  /** bcrypt comparisons at a time. */
  readonly comparisons: number;
  readonly log: AuthLog;
  readonly auditLog: AuditLog;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The built-in mode, running. */
export interface BuiltinAuth extends Disposable {
  readonly authorizer: Authorizer;
  /** The token service's endpoints. */
  routes(callerOf: (ctx: Context) => Caller): Middleware;
}

/**
 * @throws TokenKeyError, SyntaxError for a pattern; what the storage throws; Error naming the key of the configuration
 * for a file that cannot be read, or users that cannot be right
 */
export async function openBuiltinAuth(options: BuiltinAuthOptions): Promise<BuiltinAuth> {
  const { issuer, log, now, storage } = options;
  const rules = new AccessRules({
    rules: options.access,
    groups: options.groups,
    upstreamNames: options.upstreamNames,
  });
  using opened = new DisposableStack();
  const [first, ...rest] = options.keys;
  const given: KeyRing | undefined = first === undefined ? undefined : await readGivenKeys([first, ...rest]);
  const stored = opened.use(await StoredKeyRing.open({ storage, signing: given === undefined, log, now }));
  const users = opened.use(await LiveUsers.open({ path: options.users, log, now }));
  const keys = given ?? stored;
  const shared = {
    ...options,
    keys,
    rules,
    users,
    seals: stored,
    authenticator: new Authenticator({
      users,
      queue: new ComparisonQueue({ ...WAITING_COMPARISONS, concurrency: options.comparisons }),
      throttle: new LoginThrottle({ ...options.throttle, now }),
      now,
    }),
  };
  const service = new TokenService(shared);
  const running = opened.move();
  return {
    authorizer: new BuiltinAuthorizer(shared),
    routes: (callerOf) => tokenRoutes({ service, keys, issuer, callerOf }),
    [Symbol.dispose]: () => running.dispose(),
  };
}
