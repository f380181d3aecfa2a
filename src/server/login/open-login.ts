import { openAuthorizer } from '../../auth/open-authorizer.ts';
import type { Config } from '../../config/config.ts';
import { type Login, type LoginOptions, withoutRoutes } from './login.ts';

/**
 * Opens what `auth` names. Each mode's code is loaded only where it is used.
 * @throws Error when users, keys or certificates cannot be read or understood
 */
export async function openLogin(config: Config, options: LoginOptions): Promise<Login> {
  const { auth, mirror } = config;
  switch (auth.mode) {
    case 'none':
      return withoutRoutes(openAuthorizer);
    case 'htpasswd':
      return (await import('./htpasswd-login.ts')).openHtpasswdLogin(auth, options);
    case 'token':
      return (await import('./token-login.ts')).openTokenLogin(auth, options);
    case 'builtin':
      return (await import('./builtin-login.ts')).openBuiltinLogin(auth, {
        ...options,
        upstreamNames: mirror?.upstreams.flatMap(({ name, aliases }) => [name, ...aliases]) ?? [],
      });
    default:
      return auth satisfies never;
  }
}
