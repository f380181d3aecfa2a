import { RegistryError } from '../oci/errors.ts';
import type { RequestHandler } from './exchange.ts';
import type { Health } from './health.ts';
import { answerError } from './prepare-exchange.ts';

/** distribution's `http.headers`: stand on every answer. */
export function withHeaders(
  handler: RequestHandler,
  headers: Readonly<Record<string, readonly string[]>>,
): RequestHandler {
  const list = Object.entries(headers).map(([name, values]) => ({ name, values: [...values] }));
  if (list.length === 0) return handler;
  return (req, res) => {
    for (const { name, values } of list) res.setHeader(name, values);
    handler(req, res);
  };
}

/** As in distribution: while a configured check fails, every request is answered 503. */
export function withHealth(handler: RequestHandler, health: Health): RequestHandler {
  return (req, res) => {
    if (health.healthy) {
      handler(req, res);
      return;
    }
    const detail = 'health check failed: please see /debug/health';
    answerError(res, new RegistryError('UNAVAILABLE', { detail, headers: { 'retry-after': '10' } }));
  };
}

/**
 * distribution's `http.prefix`: the API lies below it alone; `/` itself stays, for who looks whether we live.
 * @param prefix `/registry/` or `/registry`; empty for none
 */
export function withPrefix(handler: RequestHandler, prefix: string): RequestHandler {
  const bare = `/${prefix.replace(/^\/+|\/+$/g, '')}`;
  if (bare === '/') return handler;
  return (req, res) => {
    const url = req.url ?? '';
    if (url.startsWith(`${bare}/`)) req.url = url.slice(bare.length);
    else if (url !== '/') {
      answerError(
        res,
        new RegistryError('NOT_FOUND', { message: `the API of this registry lies below ${bare}/` }),
      );
      return;
    }
    handler(req, res);
  };
}
