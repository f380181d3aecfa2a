import { Counter, Histogram, type Registry } from 'prom-client';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class StorageMetrics {
  readonly #actions: Histogram<'driver' | 'action'>;
  readonly cacheRequests: Counter;
  readonly cacheHits: Counter;
  readonly cacheErrors: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#actions = new Histogram({
      name: 'registry_storage_action_seconds',
      help: 'The number of seconds that the storage action takes',
      labelNames: ['driver', 'action'],
      buckets: SECONDS,
      registers,
    });
    const cache = (event: string) =>
      new Counter({
        name: `registry_storage_cache_${event}_total`,
        help: `The number of cache ${event}`,
        registers,
      });
    this.cacheRequests = cache('requests');
    this.cacheHits = cache('hits');
    this.cacheErrors = cache('errors');
  }

  /** @param action the driver's method, as `stat`; `seconds` it took */
  observe(action: { readonly driver: string; readonly action: string }, seconds: number): void {
    this.#actions.observe(action, seconds);
  }
}
