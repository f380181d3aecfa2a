import { RegistryError } from '../oci/errors.ts';
import type { RequestHandler } from './exchange.ts';
import type { Health } from './health.ts';
import type { HttpMetrics } from './http-metrics.ts';
import { answerError } from './prepare-exchange.ts';

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

/** Counts every request. */
export function withMetrics(handler: RequestHandler, metrics: HttpMetrics): RequestHandler {
  return (req, res) => {
    metrics.count(req, res);
    handler(req, res);
  };
}
