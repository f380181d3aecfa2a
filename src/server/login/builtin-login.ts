import { openBuiltinAuth } from '../../auth/builtin-auth.ts';
import type { BuiltinAuth } from '../../config/types/auth.ts';
import { COMPARISONS, type Login, type LoginOptions } from './login.ts';

export async function openBuiltinLogin(
  auth: BuiltinAuth,
  options: LoginOptions & { readonly upstreamNames: readonly string[] },
): Promise<Login> {
  const { driver, names, logs, upstreamNames } = options;
  const builtin = await openBuiltinAuth({
    ...auth,
    upstreamNames,
    names,
    storage: driver,
    comparisons: COMPARISONS,
    log: logs.logger,
    auditLog: logs.always,
    now: Date.now,
  });
  return {
    authorizer: builtin.authorizer,
    routes: (callerOf) => [builtin.routes(callerOf)],
    [Symbol.dispose]: () => builtin[Symbol.dispose](),
  };
}
