import { Histogram, type Registry } from 'prom-client';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How long the storage takes, by distribution's name and buckets. */
export class StorageMetrics {
  readonly #actions: Histogram<'driver' | 'action'>;

  constructor(registry: Registry) {
    this.#actions = new Histogram({
      name: 'registry_storage_action_seconds',
      help: 'The number of seconds that the storage action takes',
      labelNames: ['driver', 'action'],
      buckets: SECONDS,
      registers: [registry],
    });
  }

  /** @param action distribution's name of the driver's method: Stat, GetContent, PutContent, List, Delete */
  observe(action: { readonly driver: string; readonly action: string }, seconds: number): void {
    this.#actions.observe(action, seconds);
  }
}
