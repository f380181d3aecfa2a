import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Answer, Request } from './exchange.ts';
import { routeName } from './route-name.ts';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60];

/** 1 KiB to 2 GiB, each twice the one before. */
const BYTES = Array.from({ length: 22 }, (_, step) => 1024 * 2 ** step);

const METHODS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'head',
  PUT: 'put',
  POST: 'post',
  PATCH: 'patch',
  DELETE: 'delete',
  OPTIONS: 'options',
};

function lengthOf(value: string | number | readonly string[] | undefined): number | undefined {
  if (value === undefined) return undefined;
  const length = Number(value);
  return Number.isSafeInteger(length) ? length : undefined;
}

/** Bytes that came since: of a body without a length. HTTP/2 has no connection of its own to count on. */
function bytesCounter(req: Request): () => number {
  if ('stream' in req) return () => 0;
  const { socket } = req;
  const before = socket.bytesRead;
  return () => socket.bytesRead - before;
}

/** What distribution counts of each request, with its names, labels and buckets. */
export class HttpMetrics {
  readonly #inFlight: Gauge<'handler'>;
  readonly #requests: Counter<'handler' | 'code' | 'method'>;
  readonly #duration: Histogram<'handler' | 'method'>;
  readonly #requestSize: Histogram<'handler'>;
  readonly #responseSize: Histogram<'handler'>;

  constructor(registry: Registry) {
    const registers = [registry];
    const name = (last: string) => `registry_http_${last}`;
    this.#inFlight = new Gauge({
      name: name('in_flight_requests'),
      help: 'The in-flight HTTP requests',
      labelNames: ['handler'],
      registers,
    });
    this.#requests = new Counter({
      name: name('requests_total'),
      help: 'Total number of HTTP requests made.',
      labelNames: ['handler', 'code', 'method'],
      registers,
    });
    this.#duration = new Histogram({
      name: name('request_duration_seconds'),
      help: 'The HTTP request latencies in seconds.',
      labelNames: ['handler', 'method'],
      buckets: SECONDS,
      registers,
    });
    const sizes = { labelNames: ['handler'] as const, buckets: BYTES, registers };
    this.#requestSize = new Histogram({
      name: name('request_size_bytes'),
      help: 'The HTTP request sizes in bytes.',
      ...sizes,
    });
    this.#responseSize = new Histogram({
      name: name('response_size_bytes'),
      help: 'The HTTP response sizes in bytes.',
      ...sizes,
    });
  }

  /** Counts a request until its answer has left. */
  count(req: Request, res: Answer): void {
    const started = performance.now();
    const handler = routeName(req.url ?? '');
    const method = METHODS[req.method ?? ''] ?? 'unknown';
    const received = bytesCounter(req);
    this.#inFlight.inc({ handler });
    res.once('close', () => {
      this.#inFlight.dec({ handler });
      this.#requests.inc({ handler, code: String(res.statusCode), method });
      this.#duration.observe({ handler, method }, (performance.now() - started) / 1000);
      this.#requestSize.observe({ handler }, lengthOf(req.headers['content-length']) ?? received());
      this.#responseSize.observe({ handler }, lengthOf(res.getHeader('content-length')) ?? 0);
    });
  }
}
