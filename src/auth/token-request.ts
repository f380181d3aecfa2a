import { RegistryError } from '../oci/errors.ts';
import { parseAuthorization } from './authorization-header.ts';
import { parseScopes, type Scope } from './scope.ts';

/** Who asks for a token. */
export type TokenCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'password'; readonly account: string; readonly password: string }
  | { readonly kind: 'refresh token'; readonly token: string }
  /** Credentials of a kind that opens nothing here. */
  | { readonly kind: 'unknown' };

export interface TokenRequest {
  /** Undefined: this server's own. */
  readonly service: string | undefined;
  readonly scopes: readonly Scope[];
  readonly credentials: TokenCredentials;
  /** Whether a refresh token is wanted. */
  readonly offline: boolean;
}

/** Characters; it goes into the token, and what tokens say is remembered. */
const MAX_SERVICE_LENGTH = 512;

/**
 * `GET`, distribution's "Token Authentication Specification".
 * @throws RegistryError REQUEST_INVALID
 */
export function parseGetRequest(query: URLSearchParams, authorization: string | undefined): TokenRequest {
  const credentials = parseAuthorization(authorization);
  return {
    service: serviceOf(query),
    scopes: scopesOf(query),
    credentials:
      credentials.kind === 'basic'
        ? { kind: 'password', account: credentials.account, password: credentials.password }
        : { kind: credentials.kind === 'none' ? 'none' : 'unknown' },
    offline: query.get('offline_token') === 'true',
  };
}

/**
 * `POST` of a form, distribution's "Docker Registry v2 OAuth2".
 * @throws RegistryError REQUEST_INVALID
 */
export function parsePostRequest(form: URLSearchParams): TokenRequest {
  return {
    service: serviceOf(form),
    scopes: scopesOf(form),
    credentials: credentialsOf(form),
    offline: form.get('access_type') === 'offline',
  };
}

function serviceOf(parameters: URLSearchParams): string | undefined {
  const service = parameters.get('service') ?? undefined;
  if (service === undefined || service.length <= MAX_SERVICE_LENGTH) return service;
  throw new RegistryError('REQUEST_INVALID', { message: 'the service has too long a name' });
}

function credentialsOf(form: URLSearchParams): TokenCredentials {
  switch (form.get('grant_type')) {
    case 'password':
      return { kind: 'password', account: required(form, 'username'), password: required(form, 'password') };
    case 'refresh_token':
      return { kind: 'refresh token', token: required(form, 'refresh_token') };
    default:
      throw new RegistryError('REQUEST_INVALID', { message: 'grant_type must be password or refresh_token' });
  }
}

function required(form: URLSearchParams, field: string): string {
  const value = form.get(field);
  if (value !== null) return value;
  throw new RegistryError('REQUEST_INVALID', { message: `the form has no ${field}` });
}

function scopesOf(parameters: URLSearchParams): readonly Scope[] {
  const scopes = parseScopes(parameters.getAll('scope'));
  if (scopes !== undefined) return scopes;
  throw new RegistryError('REQUEST_INVALID', { message: 'too many scopes, or too long ones' });
}
