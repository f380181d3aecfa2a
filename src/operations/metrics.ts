import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { HttpMetrics } from './http-metrics.ts';
import { StorageMetrics } from './storage-metrics.ts';

/** distribution's metrics, by their names there, and those of the process. */
export interface Metrics {
  readonly http: HttpMetrics;
  readonly storage: StorageMetrics;
  /** A counter of another room; no label may hold a repository, tag or digest. */
  counter<Label extends string>(name: string, help: string, labels: readonly Label[]): Counter<Label>;
  /** A value of another room; as `counter`. */
  gauge<Label extends string>(name: string, help: string, labels: readonly Label[]): Gauge<Label>;
  /** The text that Prometheus reads. */
  exposition(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    http: new HttpMetrics(registry),
    storage: new StorageMetrics(registry),
    counter: (name, help, labelNames) => new Counter({ name, help, labelNames, registers: [registry] }),
    gauge: (name, help, labelNames) => new Gauge({ name, help, labelNames, registers: [registry] }),
    exposition: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
