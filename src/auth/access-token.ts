import { randomUUID } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { KeyRing } from './key-ring.ts';
import type { VerifyingKey } from './token-key.ts';

/** One entry of a token's `access`, as distribution writes and reads it. */
export interface AccessEntry {
  readonly type: string;
  readonly class?: string;
  readonly name: string;
  readonly actions: readonly string[];
  /** Ours: the name is that of a mirrored repository, never of a hosted one that is spelled alike. */
  readonly mirrored?: true;
}

/** A name that was asked for and not granted. */
export interface RefusedEntry {
  readonly name: string;
  readonly mirrored?: true;
}

export interface AccessTokenContent {
  /** Undefined: anonymous. */
  readonly account: string | undefined;
  readonly access: readonly AccessEntry[];
  readonly refused: readonly RefusedEntry[];
}

export interface IssueOptions {
  readonly issuer: string;
  /** `aud`: the service that the client named. */
  readonly service: string;
  /** Whole seconds. */
  readonly expiration: number;
  /** Seconds since the epoch. */
  readonly now: number;
}

/** Seconds that clocks may differ; distribution's own leeway. */
export const LEEWAY = 60;

/**
 * A JWT as distribution's "Token Authentication Implementation" has it: `kid` the libtrust fingerprint, no
 * `x5c`, `aud` one string, whole seconds. That is what both registry:2 and registry:3 accept.
 */
export function issueAccessToken(keys: KeyRing, content: AccessTokenContent, options: IssueOptions): string {
  const { issuer, service, expiration, now } = options;
  const key = keys.signing();
  const claims = {
    iss: issuer,
    sub: content.account ?? '',
    aud: service,
    exp: now + expiration,
    nbf: now,
    iat: now,
    jti: randomUUID(),
    access: content.access,
    ...(content.refused.length === 0 ? {} : { refused: content.refused }),
  };
  return jwt.sign(claims, key.privateKey, { algorithm: key.algorithm, keyid: key.kid });
}

export interface VerifiedToken extends AccessTokenContent {
  readonly kid: string;
  /** Seconds since the epoch. */
  readonly expires: number;
  readonly notBefore: number;
  readonly service: string;
}

/**
 * Looks at the signature and the shape alone: times and service are the caller's to judge. The key is chosen by
 * `kid` among the server's own, and the algorithm is that key's: nothing else in the header is looked at.
 * @returns undefined when it is no token of this server
 */
export async function readAccessToken(
  token: string,
  { keys, issuer }: { keys: KeyRing; issuer: string },
): Promise<VerifiedToken | undefined> {
  const kid = keyIdOf(token);
  if (kid === undefined) return undefined;
  let key = find(keys, kid);
  if (key === undefined) {
    await keys.refresh();
    key = find(keys, kid);
  }
  if (key === undefined) return undefined;
  try {
    const claims = jwt.verify(token, key.publicKey, {
      algorithms: [key.algorithm],
      issuer,
      ignoreExpiration: true,
      ignoreNotBefore: true,
    });
    return contentOf(claims, kid);
  } catch {
    // Its errors are of several kinds (a signature cut short is a TypeError): the token is not valid.
    return undefined;
  }
}

function find(keys: KeyRing, kid: string): VerifyingKey | undefined {
  return keys.verifying().find((key) => key.kid === kid);
}

function keyIdOf(token: string): string | undefined {
  try {
    return jwt.decode(token, { complete: true })?.header.kid;
  } catch (error) {
    // jws parses the header as JSON without a guard.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What this server signed has this shape; the checks are for the type checker and for keys used elsewhere too. */
function contentOf(claims: unknown, kid: string): VerifiedToken | undefined {
  if (!isRecord(claims)) return undefined;
  const { sub, aud, exp, nbf, access, refused = [] } = claims;
  if (typeof sub !== 'string' || typeof aud !== 'string') return undefined;
  if (!Number.isInteger(exp) || !Number.isInteger(nbf)) return undefined;
  if (!Array.isArray(access) || !access.every(isAccessEntry)) return undefined;
  if (!Array.isArray(refused) || !refused.every(isRefusedEntry)) return undefined;
  return {
    kid,
    account: sub === '' ? undefined : sub,
    service: aud,
    expires: Number(exp),
    notBefore: Number(nbf),
    access,
    refused,
  };
}

function isAccessEntry(entry: unknown): entry is AccessEntry {
  if (!isRecord(entry) || typeof entry.type !== 'string' || typeof entry.name !== 'string') return false;
  return Array.isArray(entry.actions) && entry.actions.every((action) => typeof action === 'string');
}

function isRefusedEntry(entry: unknown): entry is RefusedEntry {
  return isRecord(entry) && typeof entry.name === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
