import { Agent, type ClientRequestArgs, type IncomingMessage } from 'node:http';
import type { OnReadOpts, Socket } from 'node:net';
import { Duplex, type Readable } from 'node:stream';

/** From here on, in bytes, a body is worth a connection of its own. */
const LARGE = 512 * 1024;

/** Bytes of the buffers in which a large body is read: two for each. */
const BUFFER = 256 * 1024;

const PARSED_BUFFER = 64 * 1024;

const LARGE_BODY = Symbol('large body');

type OnCreated = (error: Error | null, stream: Duplex) => void;

/**
 * Connections whose large bodies are read past Node's parser, which copies every 64 KiB to a new buffer: that took
 * more than half of the time of a transfer. Heads, small bodies and what comes through a proxy take Node's way.
 */
export class LargeBodyAgent extends Agent {
  /** Read into and copied from at once, by one connection after the other. */
  readonly #parsed = Buffer.allocUnsafeSlow(PARSED_BUFFER);
  readonly #connections = new WeakMap<Duplex, Connection>();

  override createConnection(options: ClientRequestArgs, callback?: OnCreated): Duplex | null | undefined {
    const connection = new Connection(this.#parsed);
    const withReads: ClientRequestArgs & { onread: OnReadOpts } = { ...options, onread: connection.onRead };
    const socket = super.createConnection(withReads, callback);
    if (socket instanceof Duplex) {
      connection.socket = socket;
      this.#connections.set(socket, connection);
    }
    return socket;
  }

  /** To be called when the head of the answer has come: takes the body over if it is large. Only `chunksOf` reads it then. */
  takeBody(message: IncomingMessage): void {
    const { statusCode, headers } = message;
    const length = Number(headers['content-length'] ?? 0);
    if (statusCode !== 200 && statusCode !== 206) return;
    if (length < LARGE || headers['transfer-encoding'] !== undefined) return;
    const connection = this.#connections.get(message.socket);
    if (connection?.isRead !== true) return;
    const body = new LargeBody(message, length);
    connection.body = body;
    Object.defineProperty(message, LARGE_BODY, { value: body });
  }
}

/** The body that was taken over from Node, if it was. */
export function largeBodyOf(message: Readable): LargeBody | undefined {
  const body: unknown = Reflect.get(message, LARGE_BODY);
  return body instanceof LargeBody ? body : undefined;
}

/** The chunks of a body, each valid until the next one is asked for. */
export function chunksOf(message: Readable): AsyncIterable<Uint8Array> {
  return largeBodyOf(message)?.chunks() ?? message;
}

class Connection {
  readonly #parsed: Buffer;
  socket: Duplex | undefined;
  body: LargeBody | undefined;
  /** Whether this is how its bytes come. */
  isRead = false;
  readonly onRead: OnReadOpts;

  constructor(parsed: Buffer) {
    this.#parsed = parsed;
    this.onRead = {
      buffer: () => this.body?.emptyBuffer() ?? this.#parsed,
      callback: (count, buffer) => this.#arrived(count, buffer),
    };
  }

  #arrived(count: number, buffer: Uint8Array): boolean {
    this.isRead = true;
    const bytes = buffer.subarray(0, count);
    if (this.body === undefined) return this.socket?.push(Buffer.from(bytes)) ?? false;
    this.body.arrived(buffer === this.#parsed ? Buffer.from(bytes) : bytes);
    return false;
  }
}

/** A body whose bytes come straight from the connection, which ends with it. */
export class LargeBody {
  readonly #message: IncomingMessage;
  readonly #socket: Socket;
  #left: number;
  /** Arrived and not asked for yet. */
  readonly #arrived: Uint8Array[] = [];
  readonly #empty: Buffer[] = [];
  #lent: Uint8Array | undefined;
  #wake: (() => void) | undefined;

  constructor(message: IncomingMessage, length: number) {
    this.#message = message;
    this.#socket = message.socket;
    this.#left = length;
    message.once('close', () => this.#wake?.());
    // Told by `chunks`, and to whoever destroyed it.
    message.on('error', () => {});
  }

  /** Whether somebody waits for bytes, so that silence is the server's. */
  get isAwaited(): boolean {
    return this.#wake !== undefined;
  }

  emptyBuffer(): Buffer {
    return this.#empty.pop() ?? Buffer.allocUnsafeSlow(BUFFER);
  }

  arrived(bytes: Uint8Array): void {
    this.#arrived.push(bytes);
    this.#wake?.();
  }

  /** @throws what broke the connection */
  async *chunks(): AsyncGenerator<Uint8Array> {
    // What came in one piece with the head.
    const first: Uint8Array | null = this.#message.read();
    if (first !== null) yield this.#counted(first);
    while (this.#left > 0) yield this.#counted(await this.#next());
    this.#message.destroy();
  }

  #counted(bytes: Uint8Array): Uint8Array {
    const counted = bytes.byteLength > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= counted.byteLength;
    return counted;
  }

  async #next(): Promise<Uint8Array> {
    this.#takeBack();
    while (this.#arrived.length === 0) {
      if (this.#message.destroyed) {
        throw this.#message.errored ?? new Error('the connection ended before the body did');
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#readOn();
      });
      this.#wake = undefined;
    }
    const bytes = this.#arrived.shift() ?? new Uint8Array();
    this.#lent = bytes;
    return bytes;
  }

  #takeBack(): void {
    const { buffer } = this.#lent ?? {};
    this.#lent = undefined;
    if (buffer instanceof ArrayBuffer && buffer.byteLength === BUFFER) this.#empty.push(Buffer.from(buffer));
  }

  /** Both, since Node's parser may have stopped the reads without the socket's knowing. */
  #readOn(): void {
    this.#socket.pause();
    this.#socket.resume();
  }
}
