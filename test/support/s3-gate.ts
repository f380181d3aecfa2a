import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';

/** A way to an S3 server on which one write can be held for ever, so that its sender can be killed over it. */
export interface S3Gate extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /**
   * Holds the answer to the write with this number, counted from 1 and from now on.
   * @returns what resolves with its method and path when it was carried out
   */
  hold(number: number): Promise<string>;
  /** Lets everything through from now on. */
  open(): void;
}

/** @param upstream `http://127.0.0.1:PORT` of the S3 server */
export async function startS3Gate(upstream: string): Promise<S3Gate> {
  const agent = new Agent({ keepAlive: true });
  let seen = 0;
  let held: { readonly number: number; readonly reached: (what: string) => void };
  const open = () => {
    held = { number: 0, reached: () => {} };
  };
  open();

  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method, url: path, rawHeaders } = incoming;
    const isWrite = method !== 'GET' && method !== 'HEAD';
    if (isWrite) seen += 1;
    const isHeld = isWrite && seen === held.number;
    const { reached } = held;
    // Headers as they came, `Host` too: they are signed.
    const further = request(new URL(path ?? '/', upstream), {
      agent,
      method: method ?? 'GET',
      headers: rawHeaders,
    });
    const answered = once(further, 'response');
    await Promise.race([pipeline(incoming, further), answered]);
    const [answer]: IncomingMessage[] = await answered;
    if (answer === undefined) return;
    if (isHeld) {
      answer.resume();
      await once(answer, 'end');
      reached(`${method} ${decodeURIComponent(path ?? '')}`);
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    await pipeline(answer, outgoing);
  };
  const server = createServer((incoming, outgoing) => {
    // Who is killed breaks its connections off.
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: (number) => {
      seen = 0;
      return new Promise((resolve) => {
        held = { number, reached: resolve };
      });
    },
    open,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}
