import type { Context, Middleware } from 'koa';
import type { Caller } from '../oci/access.ts';
import { RegistryError } from '../oci/errors.ts';
import { readSmallBody } from '../operations/request-body.ts';
import { selfSignedCertificate } from './certificate.ts';
import type { KeyRing } from './key-ring.ts';
import { keySetOf } from './key-set.ts';
import type { SigningKey } from './token-key.ts';
import { TOKEN_PATH } from './token-realm.ts';
import { parseGetRequest, parsePostRequest, type TokenRequest } from './token-request.ts';
import type { TokenService } from './token-service.ts';

export interface TokenRoutesOptions {
  readonly service: TokenService;
  readonly keys: KeyRing;
  /** The name in the certificate. */
  readonly issuer: string;
  readonly callerOf: (ctx: Context) => Caller;
}

/** Bytes of a form; milliseconds without a byte of it. */
const FORM_LIMIT = 64 * 1024;
const FORM_IDLE = 10_000;

/** `/auth/token[/<upstream>]`, `/auth/jwks` and `/auth/certificate`; every other path goes on. */
export function tokenRoutes(options: TokenRoutesOptions): Middleware {
  const certificate = certificateOf(options);
  return async (ctx, next) => {
    const { path } = ctx;
    if (path === '/auth/jwks') return answerKeys(ctx, JSON.stringify(keySetOf(options.keys.verifying())));
    if (path === '/auth/certificate') return answerCertificate(ctx, certificate());
    if (path === TOKEN_PATH) return answerToken(ctx, options, undefined);
    const upstream = path.startsWith(`${TOKEN_PATH}/`) ? path.slice(TOKEN_PATH.length + 1) : '';
    if (upstream !== '' && !upstream.includes('/')) return answerToken(ctx, options, upstream);
    return next();
  };
}

async function answerToken(
  ctx: Context,
  { service, callerOf }: TokenRoutesOptions,
  upstream: string | undefined,
): Promise<void> {
  const caller = callerOf(ctx);
  const request = await readRequest(ctx, caller);
  const answer = await service.issue({ request, caller, upstream });
  ctx.set('content-type', 'application/json');
  ctx.set('cache-control', 'no-store');
  ctx.body = JSON.stringify(answer);
}

async function readRequest(ctx: Context, caller: Caller): Promise<TokenRequest> {
  if (ctx.method === 'GET')
    return parseGetRequest(new URLSearchParams(ctx.querystring), caller.authorization);
  allow(ctx, ['GET', 'POST']);
  if (!ctx.is('application/x-www-form-urlencoded')) {
    throw new RegistryError('REQUEST_INVALID', {
      status: 415,
      message: 'the body must be application/x-www-form-urlencoded',
    });
  }
  const body = await readSmallBody(ctx.req, ctx.res, { limit: FORM_LIMIT, idle: FORM_IDLE });
  return parsePostRequest(new URLSearchParams(body.toString()));
}

function answerKeys(ctx: Context, keys: string): void {
  allow(ctx, ['GET', 'HEAD']);
  ctx.set('content-type', 'application/json');
  ctx.body = keys;
}

function answerCertificate(ctx: Context, pem: string): void {
  allow(ctx, ['GET', 'HEAD']);
  ctx.set('content-type', 'application/x-pem-file');
  ctx.body = pem;
}

/** Signed once for each key: who compares two downloads finds them the same. */
function certificateOf({ keys, issuer }: TokenRoutesOptions): () => string {
  let made: { readonly key: SigningKey; readonly pem: string } | undefined;
  return () => {
    const key = keys.signing();
    if (made?.key.kid !== key.kid) made = { key, pem: selfSignedCertificate(key, { commonName: issuer }) };
    return made.pem;
  };
}

function allow(ctx: Context, methods: readonly string[]): void {
  if (methods.includes(ctx.method)) return;
  throw new RegistryError('UNSUPPORTED', { headers: { allow: methods.join(', ') } });
}
