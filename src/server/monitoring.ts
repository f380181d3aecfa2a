import type { Config } from '../config/config.ts';
import { debugHandler } from '../operations/debug-handler.ts';
import type { RequestHandler } from '../operations/exchange.ts';
import { withHealth, withMetrics } from '../operations/handler-wrappers.ts';
import { watchHealth } from '../operations/health.ts';
import { listen } from '../operations/listener.ts';
import type { Logger } from '../operations/logger.ts';
import type { Metrics } from '../operations/metrics.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { healthChecks } from './health-checks.ts';

export interface Monitoring extends AsyncDisposable {
  /** Counts what passes, and holds it up while a configured check fails. */
  around(handler: RequestHandler): RequestHandler;
}

/** Started where `http.debug` asks for metrics only: they cost a little on every request. */
export async function openMetrics(config: Config): Promise<Metrics | undefined> {
  if (config.http.debug?.metricsPath === undefined) return undefined;
  const { createMetrics } = await import('../operations/metrics.ts');
  return createMetrics();
}

export interface MonitoringParts {
  readonly driver: StorageDriver;
  readonly logger: Logger;
  readonly metrics: Metrics | undefined;
}

/**
 * Starts the health checks, the metrics and the debug listener as the configuration asks for them.
 * @throws Error when the debug address cannot be had
 */
export async function openMonitoring(
  config: Config,
  { driver, logger, metrics }: MonitoringParts,
): Promise<Monitoring> {
  const checks = healthChecks(config.health, driver);
  await using opened = new AsyncDisposableStack();
  const health = opened.use(watchHealth(checks));
  const { debug } = config.http;
  if (debug !== undefined) {
    const path = debug.metricsPath;
    const handler = debugHandler({
      health,
      ...(metrics === undefined || path === undefined ? {} : { metrics: { path, source: metrics } }),
    });
    const listener = opened.use(
      await listen(handler, { address: debug.listen.address, network: debug.listen.net, logger }),
    );
    logger.info({ address: listener.address }, 'debug listening');
  }
  const rest = opened.move();
  return {
    around(handler) {
      const checked = checks.length === 0 ? handler : withHealth(handler, health);
      return metrics === undefined ? checked : withMetrics(checked, metrics.http);
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}
