import { connect, type LookupFunction, type Socket } from 'node:net';
import { plainHostname } from './address.ts';
import { type BodyFraming, bodyFraming, FramingError, parseHead, type ResponseHead } from './body-framing.ts';
import type { ResponseBody } from './response-body.ts';
import { TimeoutError } from './timeout-error.ts';
import type { UpstreamTimeouts } from './upstream-options.ts';

/*
 * Blobs over plain HTTP: bytes come into a few buffers that are used again and again, which takes a fifth of what
 * the general client needs for the same bytes. Encrypted connections spend their time elsewhere and do not use it.
 */

/** Bytes of a buffer, and how many a connection has. */
const BUFFER = 256 * 1024;
const BUFFERS = 4;
/** Buffers kept for later, of all connections. */
const MOST_SPARE = 32;
/** Milliseconds that a connection waits for its next request. */
const IDLE = 3_000;

export interface BulkRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Left out: the system's. */
  readonly lookup?: LookupFunction;
}

export interface BulkResponse extends ResponseHead {
  readonly body: ResponseBody;
}

/** Connections for GET of large content over plain HTTP. */
export class BulkConnections {
  readonly #timeouts: UpstreamTimeouts;
  readonly #most: number;
  readonly #onConnect: (hostname: string, address: string | undefined) => void;
  readonly #idle = new Map<string, Connection[]>();
  readonly #open = new Set<Connection>();
  readonly #spare: Buffer[] = [];

  constructor(options: {
    readonly timeouts: UpstreamTimeouts;
    readonly most: number;
    readonly onConnect: (hostname: string, address: string | undefined) => void;
  }) {
    this.#timeouts = options.timeouts;
    this.#most = options.most;
    this.#onConnect = options.onConnect;
  }

  get full(): boolean {
    return this.#open.size >= this.#most;
  }

  /** Resolves when the headers are here. */
  get(request: BulkRequest): Promise<BulkResponse> {
    const key = `${request.url.host} ${request.lookup === undefined ? 'any' : 'public'}`;
    const idle = this.#idle.get(key)?.pop();
    const connection = idle ?? this.#connect(request, key);
    return connection.get(request);
  }

  close(): void {
    for (const connection of this.#open) connection.destroy(new Error('the server ends'));
  }

  #connect({ url, lookup }: BulkRequest, key: string): Connection {
    const hostname = plainHostname(url);
    const connection: Connection = new Connection({
      target: {
        host: hostname,
        port: Number(url.port || 80),
        ...(lookup === undefined ? {} : { lookup }),
      },
      timeouts: this.#timeouts,
      takeBuffer: () => this.#spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER),
      giveBuffer: (buffer) => {
        if (this.#spare.length < MOST_SPARE) this.#spare.push(buffer);
      },
      connected: (address) => this.#onConnect(hostname, address),
      ready: () => {
        this.#idle.set(key, [...(this.#idle.get(key) ?? []), connection]);
      },
      closed: () => {
        this.#open.delete(connection);
        this.#idle.set(
          key,
          (this.#idle.get(key) ?? []).filter((one) => one !== connection),
        );
      },
    });
    this.#open.add(connection);
    return connection;
  }
}

interface ConnectionParts {
  readonly target: { readonly host: string; readonly port: number; readonly lookup?: LookupFunction };
  readonly timeouts: UpstreamTimeouts;
  readonly takeBuffer: () => Buffer;
  readonly giveBuffer: (buffer: Buffer) => void;
  readonly connected: (address: string | undefined) => void;
  /** It can take another request. */
  readonly ready: () => void;
  readonly closed: () => void;
}

interface Waiting {
  readonly resolve: (response: BulkResponse) => void;
  readonly reject: (error: unknown) => void;
}

/** One connection, one request at a time. */
class Connection implements ResponseBody {
  readonly reused = true;
  readonly #parts: ConnectionParts;
  readonly #socket: Socket;
  readonly #free: Buffer[] = [];
  /** Buffers with bytes that nobody read yet, and the bytes. */
  #filled: { readonly buffer: Buffer; readonly parts: Buffer[] }[] = [];
  /** Buffers whose bytes the reader has at the moment. */
  #lent: Buffer[] = [];
  #buffers = 0;
  #head: Buffer[] = [];
  #framing: BodyFraming | undefined;
  #keepAlive = false;
  #asked: Waiting | undefined;
  #wake: (() => void) | undefined;
  #error: Error | undefined;
  #ended = false;
  #paused = false;
  #timer: NodeJS.Timeout | undefined;
  #signal: AbortSignal | undefined;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#socket = connect({
      ...parts.target,
      noDelay: true,
      onread: {
        buffer: () => this.#nextBuffer(),
        callback: (length: number, buffer: Uint8Array) => this.#received(length, buffer),
      },
    });
    this.#within(parts.timeouts.connect, 'no connection');
    this.#socket.on('connect', () => {
      parts.connected(this.#socket.remoteAddress);
      if (this.#asked !== undefined) this.#within(parts.timeouts.firstByte, 'no answer');
    });
    this.#socket.on('error', (error) => this.destroy(error));
    this.#socket.on('end', () => this.#closed());
    this.#socket.on('close', () => this.#closed());
  }

  get({ url, headers, signal }: BulkRequest): Promise<BulkResponse> {
    signal?.throwIfAborted();
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#ended = false;
    this.#framing = undefined;
    this.#socket.ref();
    if (!this.#socket.connecting) this.#within(this.#parts.timeouts.firstByte, 'no answer');
    const lines = Object.entries({ host: url.host, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject };
      this.#socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`);
    });
  }

  async read(): Promise<Buffer[] | undefined> {
    this.#giveBack();
    while (this.#filled.length === 0 && !this.#ended && this.#error === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#filled.length > 0) {
      const filled = this.#filled;
      this.#filled = [];
      this.#lent = filled.map(({ buffer }) => buffer);
      return filled.flatMap(({ parts }) => parts);
    }
    if (!this.#ended && this.#error !== undefined) throw this.#error;
    this.#over();
    return undefined;
  }

  abort(): void {
    if (this.#ended && this.#filled.length === 0) this.#over();
    else this.destroy(new Error('nobody reads on'));
  }

  destroy(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#socket.destroy();
    this.#parts.closed();
    this.#asked?.reject(error);
    this.#asked = undefined;
    this.#wake?.();
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#signal?.reason;
    this.destroy(reason instanceof Error ? reason : new Error('given up', { cause: reason }));
  };

  /** The answer was read to its end: the connection waits for another request, or goes. */
  #over(): void {
    this.#giveBack();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (this.#error !== undefined) return;
    if (!this.#keepAlive) {
      this.destroy(new Error('the server closes the connection'));
      return;
    }
    this.#keepAlive = false;
    this.#within(IDLE, 'idle');
    this.#socket.unref();
    this.#parts.ready();
  }

  #closed(): void {
    if (this.#framing?.untilClose === true && this.#error === undefined) {
      this.#ended = true;
      this.#wake?.();
      return;
    }
    const error = Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' });
    this.destroy(error);
    for (const buffer of this.#free.splice(0)) this.#parts.giveBuffer(buffer);
  }

  #nextBuffer(): Buffer {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    this.#buffers++;
    return this.#parts.takeBuffer();
  }

  /** @returns false when no more may come for now */
  #received(length: number, memory: Uint8Array): boolean {
    const buffer = Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
    const whole = memory instanceof Buffer ? memory : buffer;
    try {
      this.#take(whole, buffer.subarray(0, length));
    } catch (error) {
      this.destroy(error instanceof Error ? error : new FramingError('cannot be read'));
      return false;
    }
    if (this.#error !== undefined) return false;
    this.#timer?.refresh();
    this.#paused = this.#free.length === 0 && this.#buffers >= BUFFERS;
    return !this.#paused;
  }

  #take(buffer: Buffer, bytes: Buffer): void {
    if (this.#framing !== undefined) {
      this.#takeBody(buffer, bytes);
      return;
    }
    if (this.#asked === undefined) throw new FramingError('bytes that nobody asked for');
    this.#head.push(Buffer.from(bytes));
    const all = Buffer.concat(this.#head);
    const head = parseHead(all);
    if (head !== undefined) this.#takeHead(head, all.subarray(head.length));
    if (buffer.length > 0) this.#free.push(buffer);
  }

  /** What came with the headers is a copy: it is little. */
  #takeHead(head: ResponseHead, rest: Buffer): void {
    this.#head = [];
    if (head.status < 200) {
      if (rest.length > 0) this.#take(Buffer.alloc(0), rest);
      return;
    }
    const asked = this.#asked;
    this.#asked = undefined;
    const bodyless = head.status === 204 || head.status === 304;
    this.#framing = bodyFraming(bodyless ? { 'content-length': '0' } : head.headers);
    this.#keepAlive = !this.#framing.untilClose && !/close/i.test(String(head.headers.connection ?? ''));
    this.#within(this.#parts.timeouts.stall, 'nothing came', 'stall');
    const parts = rest.length > 0 ? this.#framing.take(rest) : [];
    if (parts.length > 0) this.#filled.push({ buffer: Buffer.alloc(0), parts });
    this.#ended = this.#framing.ended;
    asked?.resolve({ ...head, body: this });
  }

  #takeBody(buffer: Buffer, bytes: Buffer): void {
    if (this.#ended) throw new FramingError('bytes behind the end of an answer');
    const parts = this.#framing?.take(bytes) ?? [];
    if (parts.length > 0) this.#filled.push({ buffer, parts });
    else this.#free.push(buffer);
    this.#ended = this.#framing?.ended ?? false;
    if (this.#ended) clearTimeout(this.#timer);
    this.#wake?.();
  }

  #giveBack(): void {
    for (const buffer of this.#lent.splice(0)) if (buffer.length > 0) this.#free.push(buffer);
    if (!this.#paused || this.#free.length === 0) return;
    this.#paused = false;
    this.#timer?.refresh();
    this.#socket.resume();
  }

  #within(milliseconds: number, what: string, kind: 'once' | 'stall' = 'once'): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // No stall while the reader holds it up.
      if (kind === 'stall' && (this.#paused || this.#filled.length > 0 || this.#lent.length > 0))
        this.#timer?.refresh();
      else this.destroy(new TimeoutError(`${what} within ${milliseconds} ms`));
    }, milliseconds);
  }
}
