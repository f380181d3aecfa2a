import { createServer, request, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';

/** A proxy for what goes out, which leads every name to the one place it knows. */
export class ForwardProxy implements AsyncDisposable {
  /** What it was asked: `GET http://…` and `CONNECT host:port`. */
  readonly asked: string[] = [];
  /** `Proxy-Authorization` of each. */
  readonly authorizations: (string | undefined)[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  private constructor(target: { readonly port: number }) {
    this.#server = createServer((req, res) => {
      this.#note(`${req.method} ${req.url}`, req.headers['proxy-authorization']);
      const { pathname, search } = new URL(req.url ?? '/', 'http://nowhere.invalid');
      const path = `${pathname}${search}`;
      const onward = request(
        { host: '127.0.0.1', port: target.port, method: req.method, path, headers: req.headers },
        (answer) => {
          res.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(res);
        },
      );
      onward.on('error', () => res.destroy());
      req.pipe(onward);
    });
    this.#server.on('connection', (socket) => this.#keep(socket));
    this.#server.on('connect', (req, client: Socket, head: Buffer) => {
      this.#note(`CONNECT ${req.url}`, req.headers['proxy-authorization']);
      const onward = connect(target.port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        onward.write(head);
        onward.pipe(client);
        client.pipe(onward);
      });
      this.#keep(onward);
      onward.on('error', () => client.destroy());
      client.on('error', () => onward.destroy());
    });
  }

  static async start(target: { readonly port: number }): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    const address = proxy.#server.address();
    if (typeof address === 'object' && address !== null) proxy.#port = address.port;
    return proxy;
  }

  /** `127.0.0.1:PORT` */
  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #note(asked: string, authorization: string | undefined): void {
    this.asked.push(asked);
    this.authorizations.push(authorization);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
