import type { UpstreamMetrics } from '../mirror/upstream/upstream-options.ts';
import type { Metrics } from '../operations/metrics.ts';

const LABELS = ['upstream', 'url'] as const;

/** What upstreams tell of their limits, and how they answer. */
export function upstreamMetrics(metrics: Metrics): UpstreamMetrics {
  const limit = metrics.gauge(
    'fairlead_upstream_ratelimit_limit',
    'Requests that the upstream allows in its window, as it said last',
    LABELS,
  );
  const remaining = metrics.gauge(
    'fairlead_upstream_ratelimit_remaining',
    'Requests that the upstream has left for us, as it said last',
    LABELS,
  );
  const window = metrics.gauge(
    'fairlead_upstream_ratelimit_window_seconds',
    "The window of the upstream's limit",
    LABELS,
  );
  const requests = metrics.counter(
    'fairlead_upstream_requests_total',
    'Requests to upstreams, by class of answer, or slow, or unreachable',
    [...LABELS, 'outcome'],
  );
  return {
    limit(at, told) {
      if (told.limit !== undefined) limit.set(at, told.limit);
      if (told.remaining !== undefined) remaining.set(at, told.remaining);
      if (told.window !== undefined) window.set(at, told.window);
    },
    request: (at, outcome) => requests.inc({ ...at, outcome }),
  };
}
