/** The HTTP API's view of who may do what; the shapes are the domain's, since login implements them. */
export type { AccessNeed, Action, Authorizer, Caller, Grant } from '../oci/access.ts';
