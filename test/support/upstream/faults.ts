import type { ServerResponse } from 'node:http';
import type { Exchange, Fault, ScriptedUpstream } from './scripted-upstream.ts';

/** A status without a body to speak of. */
export const answer =
  (status: number, headers: Readonly<Record<string, string>> = {}): Fault =>
  ({ res }) => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers });
    res.end('{"errors":[{"code":"UNKNOWN","message":"as scripted"}]}');
  };

export const redirect = (location: (exchange: Exchange) => string): Fault => {
  return (exchange) => void exchange.res.writeHead(307, { location: location(exchange) }).end();
};

/** Takes the request and never answers. */
export const silence: Fault = () => {};

/** Drops the connection in the place of an answer. */
export const hangUp: Fault = ({ req }) => void req.socket.destroy();

/** The registry's answer with its body sent in another way; the headers stay, its length too. */
export const bend =
  (change: (body: Buffer, res: ServerResponse) => void): Fault =>
  ({ res }, next) => {
    const end = res.end.bind(res);
    const bent = (body?: unknown): ServerResponse => {
      // From here on `end` is the response's own again, for `change` to use.
      Object.assign(res, { end });
      if (Buffer.isBuffer(body)) change(body, res);
      else res.end();
      return res;
    };
    Object.assign(res, { end: bent });
    next();
  };

/** Sends so many bytes of the body, then cuts the connection. */
export const cutAfter = (bytes: number): Fault =>
  bend((body, res) => {
    res.write(body.subarray(0, bytes), () => setImmediate(() => res.socket?.destroy()));
  });

/** Sends so many bytes of the body, then nothing more. */
export const stallAfter = (bytes: number): Fault =>
  bend((body, res) => void res.write(body.subarray(0, bytes)));

/** As long as it should be, with one bit wrong. */
export const wrongBytes: Fault = bend((body, res) => {
  const copy = Buffer.from(body);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  res.end(copy);
});

/** Another answer than the registry's, whole. */
export const send =
  (status: number, body: Buffer | string, headers: Readonly<Record<string, string>> = {}): Fault =>
  ({ res }) => {
    res.writeHead(status, headers);
    res.end(body);
  };

/** A blob in chunks, without a length anywhere, whatever range is asked for. */
export const withoutSize =
  (
    content: Buffer,
    options: {
      /** Bytes after which the connection is cut. */
      readonly cutAfter?: number;
      /** Bytes after which nothing comes until the promise is resolved; then the connection is cut. */
      readonly pauseAfter?: number;
      readonly until?: Promise<void>;
    } = {},
  ): Fault =>
  ({ req, res }) => {
    res.writeHead(200, { 'content-type': 'application/octet-stream' });
    const last = options.cutAfter ?? options.pauseAfter;
    if (req.method === 'HEAD' || last === undefined) return void res.end(content);
    const cut = (): void => void setImmediate(() => res.socket?.destroy());
    res.write(content.subarray(0, last), () => void (options.until ?? Promise.resolve()).then(cut));
  };

/** The registry's answer, or 304 where the request names the digest of the manifest that it would get. */
export const conditional =
  (up: ScriptedUpstream): Fault =>
  ({ req, res, url }, next) => {
    const key = url.pathname.replace('/v2/', '').replace('/manifests/', '@');
    const etag = `"${up.manifests.get(key)?.digest}"`;
    if (req.headers['if-none-match'] !== etag) return next();
    res.writeHead(304, { etag }).end();
  };

/** Sends so many bytes of the body at once, then byte by byte, for as long as it takes. */
export const trickleAfter = (bytes: number): Fault =>
  bend((body, res) => {
    res.write(body.subarray(0, bytes));
    let at = bytes;
    const timer = setInterval(() => res.write(body.subarray(at, ++at)), 2);
    res.on('close', () => clearInterval(timer));
  });
