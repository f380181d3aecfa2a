import type { Answer, Request, RequestHandler } from './exchange.ts';
import type { Logger } from './logger.ts';

/** A target longer than this is cut in the log. */
const MAX_TARGET = 1024;

export interface AccessLogOptions {
  readonly logger: Logger;
  /** The client's address, as in the audit lines. */
  readonly address: (req: Request) => string;
  /** Milliseconds that only go forward. */
  readonly now?: () => number;
}

function headerText(res: Answer, name: string): string | undefined {
  const value = res.getHeader(name);
  return value === undefined ? undefined : String(value);
}

/** A docker daemon tells its mirror's token server the account of a Docker Hub login, which is nobody's here. */
function loggedTarget(url: string): string {
  const target = url.replaceAll(/([?&]account=)[^&]+/g, '$1…');
  return target.length > MAX_TARGET ? `${target.slice(0, MAX_TARGET)}…` : target;
}

/** The answers of HTTP/2 have no `writableFinished`. */
function isWhole(res: Answer): boolean {
  return 'stream' in res ? res.writableEnded && res.stream.rstCode === 0 : res.writableFinished;
}

/**
 * One line a request when its answer has left, or its client has: `requestId` and `bytes` are what the answer
 * says of itself in `X-Request-Id` and `Content-Length`.
 */
export function withAccessLog(handler: RequestHandler, options: AccessLogOptions): RequestHandler {
  const { logger, address, now = () => performance.now() } = options;
  return (req, res) => {
    const started = now();
    const { method, url = '' } = req;
    const client = address(req);
    res.once('close', () => {
      logger.info(
        {
          address: client,
          method,
          target: loggedTarget(url),
          status: res.statusCode,
          bytes: headerText(res, 'content-length'),
          ms: Math.round((now() - started) * 10) / 10,
          agent: req.headers['user-agent'],
          requestId: headerText(res, 'x-request-id'),
          ...(isWhole(res) ? {} : { cut: true }),
        },
        'request',
      );
    });
    handler(req, res);
  };
}
