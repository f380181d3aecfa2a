import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A client that speaks bytes: for what no HTTP library would send. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  #received = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      this.#received += String(text);
    });
    socket.on('error', () => {});
    socket.setMaxListeners(0);
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  get received(): string {
    return this.#received;
  }

  send(...lines: string[]): void {
    this.socket.write(lines.join('\r\n'));
  }

  /** Fulfilled once what was received fits. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#received)) {
      await Promise.race([once(this.socket, 'data'), this.ended('before the answer')]);
    }
    return this.#received;
  }

  /** Fulfilled with all that was received, once the server has ended its side. */
  async untilEnd(): Promise<string> {
    if (!this.socket.readableEnded && !this.socket.destroyed) {
      await Promise.race([once(this.socket, 'end'), once(this.socket, 'close')]);
    }
    return this.#received;
  }

  /** Writes `total` bytes before anything is read. */
  async flood(total: number): Promise<void> {
    const block = Buffer.alloc(1024 * 1024, 'x');
    for (let sent = 0; sent < total && !this.socket.destroyed; sent += block.length) {
      if (this.socket.write(block)) continue;
      await new Promise((resolve) => this.socket.once('drain', resolve).once('close', resolve));
    }
  }

  private async ended(when: string): Promise<never> {
    if (!this.socket.destroyed) await once(this.socket, 'close');
    throw new Error(`the connection ended ${when}; received: ${this.#received.slice(0, 300)}`);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
