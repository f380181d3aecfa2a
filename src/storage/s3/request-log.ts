import type { ClientRequest, IncomingMessage } from 'node:http';

/** One request to the bucket as it went; bytes and signatures are not in it. */
export interface RequestLine {
  readonly method: string;
  readonly host: string;
  /** Path and query. */
  readonly path: string;
  /** Of the answer; left out where none came. */
  readonly status?: number;
  /** By which the bucket's server knows the request. */
  readonly requestId?: string;
  readonly error?: string;
  /** Until the answer's head came, or the failure. */
  readonly milliseconds: number;
}

export type RequestLog = (line: RequestLine) => void;

/** Tells of a request when its answer begins, or when it fails before. */
export function logRequest(call: ClientRequest, log: RequestLog): void {
  const begun = performance.now();
  const tell = (end: Pick<RequestLine, 'status' | 'requestId' | 'error'>): void => {
    const { method, host, path } = call;
    log({ method, host, path, ...end, milliseconds: Math.round(performance.now() - begun) });
  };
  let answered = false;
  call.once('response', ({ statusCode = 0, headers }: IncomingMessage) => {
    answered = true;
    const id = headers['x-amz-request-id'];
    tell({ status: statusCode, ...(typeof id === 'string' ? { requestId: id } : {}) });
  });
  call.once('error', (error) => {
    if (!answered) tell({ error: error.message });
  });
}
