import type { AccessNeed } from '../oci/access.ts';
import { RegistryError } from '../oci/errors.ts';
import { scopeOfNeeds } from './scope.ts';

/** RFC 6750 section 3.1, as far as registries use it. */
export type BearerError = 'invalid_token' | 'insufficient_scope';

export interface BearerChallenge {
  readonly realm: string;
  readonly service: string;
  readonly error?: BearerError | undefined;
}

/** 401 that sends a client to the token service for exactly these needs. */
export function bearerChallenge(needs: readonly AccessNeed[], challenge: BearerChallenge): RegistryError {
  const { realm, service, error } = challenge;
  const scope = scopeOfNeeds(needs);
  const parameters = [
    `realm=${quoted(realm)}`,
    `service=${quoted(service)}`,
    ...(scope === '' ? [] : [`scope=${quoted(scope)}`]),
    ...(error === undefined ? [] : [`error=${quoted(error)}`]),
  ];
  return new RegistryError('UNAUTHORIZED', {
    message: MESSAGES[error ?? 'none'],
    detail: detailOf(needs),
    headers: { 'www-authenticate': `Bearer ${parameters.join(',')}` },
  });
}

/** What a person is told, alike for an unknown name and a wrong password. */
export const WRONG_PASSWORD = 'wrong name or password';

export interface BasicChallenge {
  readonly realm: string;
  /** Docker shows it where it is not the code's own. */
  readonly message?: string | undefined;
}

/** 401 of a registry, or of a token service, that takes name and password. */
export function basicChallenge(needs: readonly AccessNeed[], challenge: BasicChallenge): RegistryError {
  const { realm, message = MESSAGES.none } = challenge;
  return new RegistryError('UNAUTHORIZED', {
    message,
    detail: detailOf(needs),
    headers: { 'www-authenticate': `Basic realm=${quoted(realm)}` },
  });
}

const MESSAGES = {
  none: 'authentication required',
  invalid_token: 'the token is not valid: take a new one',
  insufficient_scope: 'the token does not allow this: access is denied or was not asked for',
} as const satisfies Record<BearerError | 'none', string>;

/** One record an action, with distribution's own names for its parts. */
function detailOf(needs: readonly AccessNeed[]): unknown {
  if (needs.length === 0) return undefined;
  return needs.flatMap(({ type, asked, actions }) =>
    actions.map((action) => ({ Type: type, Class: '', Name: asked, Action: action })),
  );
}

/** RFC 9110 section 5.6.4; what has no place in a header field is left out. */
function quoted(text: string): string {
  return `"${text.replaceAll(/[^\t\x20-\x7e]/g, '').replaceAll(/["\\]/g, '\\$&')}"`;
}
