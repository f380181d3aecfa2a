import type { Authorizer } from '../oci/access.ts';
import { OPEN_GRANT } from './grants.ts';

/** No login: an `Authorization` that a client sends all the same is not looked at. */
export const openAuthorizer: Authorizer = {
  anonymous: OPEN_GRANT,
  authorize: async () => OPEN_GRANT,
};
