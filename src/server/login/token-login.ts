import { ExternalTokenAuthorizer } from '../../auth/external-token-authorizer.ts';
import { readTrust } from '../../auth/trusted-keys.ts';
import type { TokenAuth } from '../../config/types/auth.ts';
import { type Login, type LoginOptions, withoutRoutes } from './login.ts';

export async function openTokenLogin(auth: TokenAuth, { logs }: LoginOptions): Promise<Login> {
  return withoutRoutes(
    new ExternalTokenAuthorizer({
      ...auth,
      algorithms: auth.signingAlgorithms,
      trust: await readTrust(auth),
      auditLog: logs.always,
      now: Date.now,
    }),
  );
}
