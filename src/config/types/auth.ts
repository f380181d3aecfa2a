export type AuthConfig = NoAuth | HtpasswdAuth | TokenAuth | BuiltinAuth;

export interface NoAuth {
  readonly mode: 'none';
}

export interface HtpasswdAuth {
  readonly mode: 'htpasswd';
  readonly realm: string;
  readonly path: string;
}

/** An external token service; at least one of `rootCertBundle` and `jwks` is there. */
export interface TokenAuth {
  readonly mode: 'token';
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** Path of PEM certificates. */
  readonly rootCertBundle: string | undefined;
  /** Path of a JSON Web Key Set. */
  readonly jwks: string | undefined;
  /** Path of the realm worked out from the request's Host in the place of `realm`; undefined: do not. */
  readonly autoRedirectPath: string | undefined;
  readonly signingAlgorithms: readonly SigningAlgorithm[];
}

export const SIGNING_ALGORITHMS = [
  'EdDSA',
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
] as const;

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

export interface BuiltinAuth {
  readonly mode: 'builtin';
  /** Path of an htpasswd file. */
  readonly users: string;
  /** Undefined: worked out from the request. */
  readonly realm: string | undefined;
  /** Undefined: the host asked. */
  readonly service: string | undefined;
  readonly issuer: string;
  /** Paths of PEM private keys: the first signs, all verify. Empty: made at first start, kept in the storage. */
  readonly keys: readonly string[];
  readonly expiration: number;
  readonly throttle: ThrottleConfig;
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** First match wins. Where the file has none, the default rules for the upstreams at hand. */
  readonly access: readonly AccessRule[];
}

export interface ThrottleConfig {
  /** Wrong passwords for one account from one address within `window`. */
  readonly account: number;
  /** Wrong passwords for any accounts from one address within `window`. */
  readonly address: number;
  readonly window: number;
}

export type AccessAction = 'pull' | 'push' | 'delete' | '*';

export interface AccessRule {
  /** An account's name, `*` for any that logged in, `anonymous` for everybody; or the members of a group. */
  readonly who: { readonly account: string } | { readonly group: string };
  /** A pattern of `*`, `**`, `${account}` and plain text; checked. */
  readonly repository: string;
  /** All that is granted; empty shuts. */
  readonly actions: readonly AccessAction[];
}
