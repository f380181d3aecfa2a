import { once } from 'node:events';
import { connect } from 'node:net';

/** A TCP connection on which a test writes what no HTTP client would. */
export interface RawConnection extends Disposable {
  /** Resolves when the bytes were taken by the kernel, or the connection is gone. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** Says that nothing more comes, and goes on reading. */
  end(): void;
  /** Cuts it with a reset. */
  reset(): void;
  /** What came so far. */
  received(): string;
  /** Resolves with all that came, when the other side has closed or `milliseconds` have passed. */
  untilClosed(milliseconds: number): Promise<string>;
  /** Resolves with all that came, as soon as it matches. @throws when it does not within `milliseconds` */
  until(pattern: RegExp, milliseconds: number): Promise<string>;
}

/** Connects to `host:port` and writes a request's head. */
export async function rawRequest(host: string, head: readonly string[]): Promise<RawConnection> {
  const [address = '', port = ''] = host.split(':');
  const socket = connect(Number(port), address);
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  // A reset is one of the ends that tests look at.
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  const until = async (pattern: RegExp, milliseconds: number) => {
    const deadline = Date.now() + milliseconds;
    while (!pattern.test(text)) {
      const left = deadline - Date.now();
      if (left <= 0 || socket.closed) throw new Error(`no ${pattern} in what came: ${text}`);
      await Promise.race([
        once(socket, 'data', { signal: AbortSignal.timeout(left) }).catch(() => {}),
        closed,
      ]);
    }
    return text;
  };
  return {
    write: (bytes) => new Promise((resolve) => socket.write(bytes, () => resolve())),
    end: () => {
      socket.end();
    },
    reset: () => {
      socket.resetAndDestroy();
    },
    received: () => text,
    untilClosed: async (milliseconds) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, milliseconds);
      });
      await Promise.race([closed, late]);
      clearTimeout(timer);
      return text;
    },
    until,
    [Symbol.dispose]: () => {
      socket.destroy();
    },
  };
}

/** The head of an upload's request; `framing` is its Content-Length, or `chunked`. */
export function uploadHead(
  method: 'PATCH' | 'PUT' | 'POST',
  {
    path,
    host,
    framing,
  }: { readonly path: string; readonly host: string; readonly framing: number | 'chunked' },
): string[] {
  const length = framing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${framing}`;
  return [`${method} ${path} HTTP/1.1`, `Host: ${host}`, 'Content-Type: application/octet-stream', length];
}

/** The path and query of a Location, absolute or relative. */
export function pathOf(location: string): string {
  const { pathname, search } = new URL(location, 'http://any');
  return `${pathname}${search}`;
}
