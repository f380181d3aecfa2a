import type { Answer, RequestHandler } from './exchange.ts';
import type { Health } from './health.ts';
import { messageOf } from './health-checks.ts';
import type { Metrics } from './metrics.ts';

export interface DebugParts {
  readonly health: Health;
  /** Where `http.debug.prometheus` is enabled. */
  readonly metrics?: { readonly path: string; readonly source: Pick<Metrics, 'exposition'> };
}

function answer(res: Answer, { status, type, body }: { status: number; type: string; body: string }): void {
  res.statusCode = status;
  res.setHeader('Content-Type', type);
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}

async function exposed(source: Pick<Metrics, 'exposition'>) {
  try {
    const { contentType, text } = await source.exposition();
    return { status: 200, type: contentType, body: text };
  } catch (error) {
    return { status: 500, type: 'text/plain', body: `${messageOf(error)}\n` };
  }
}

/** What `http.debug.addr` serves, as distribution does: `/debug/health` and the metrics. */
export function debugHandler({ health, metrics }: DebugParts): RequestHandler {
  return async (req, res) => {
    const path = req.url?.split('?', 1)[0];
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      answer(res, { status: 405, type: 'text/plain', body: 'method not allowed\n' });
    } else if (path === '/debug/health') {
      const failures = health.failures();
      const status = Object.keys(failures).length === 0 ? 200 : 503;
      answer(res, { status, type: 'application/json', body: JSON.stringify(failures) });
    } else if (metrics !== undefined && path === metrics.path) {
      answer(res, await exposed(metrics.source));
    } else {
      answer(res, { status: 404, type: 'text/plain', body: 'not found\n' });
    }
  };
}
