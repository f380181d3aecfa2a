import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

/** One request, of either version of HTTP. */
export type Request = IncomingMessage | Http2ServerRequest;

/** The answer to it. */
export type Answer = ServerResponse | Http2ServerResponse;

export type RequestHandler = (req: Request, res: Answer) => void;
