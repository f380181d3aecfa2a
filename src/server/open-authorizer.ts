import type { AuthConfig } from '../config/config.ts';
import type { Authorizer, Grant } from '../oci/access.ts';

/** Opens what `auth` names. */
export async function openAuthorizer(auth: AuthConfig): Promise<Authorizer> {
  switch (auth.mode) {
    case 'none':
      return { anonymous: EVERYTHING, authorize: async () => EVERYTHING };
    case 'htpasswd':
    case 'token':
    case 'builtin':
      throw new Error(`auth.${auth.mode} is not built yet`);
  }
}

/** Without login everybody may do everything, and no challenge would change that. */
const EVERYTHING: Grant = { account: undefined, allows: () => true, sees: () => true, decided: () => true };
