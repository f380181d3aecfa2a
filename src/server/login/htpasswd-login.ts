import { Authenticator } from '../../auth/authenticator.ts';
import { ComparisonQueue, WAITING_COMPARISONS } from '../../auth/comparison-queue.ts';
import { HtpasswdAuthorizer } from '../../auth/htpasswd-authorizer.ts';
import { HtpasswdUsers } from '../../auth/htpasswd-users.ts';
import { provisionHtpasswd } from '../../auth/provision-htpasswd.ts';
import type { HtpasswdAuth } from '../../config/types/auth.ts';
import { COMPARISONS, type Login, type LoginOptions, withoutRoutes } from './login.ts';

export async function openHtpasswdLogin(
  { path, realm }: HtpasswdAuth,
  { logs }: LoginOptions,
): Promise<Login> {
  await provisionHtpasswd(path, logs.logger);
  const users = new HtpasswdUsers({ path, log: logs.logger, now: Date.now });
  const queue = new ComparisonQueue({ ...WAITING_COMPARISONS, concurrency: COMPARISONS });
  const authenticator = new Authenticator({ users, queue, throttle: undefined, now: Date.now });
  return withoutRoutes(new HtpasswdAuthorizer({ realm, authenticator, auditLog: logs.always }));
}
