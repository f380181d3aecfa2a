import { connect, type LookupFunction, type Socket } from 'node:net';

import { type BodyFraming, bodyFraming, FramingError, parseHead, type ResponseHead } from './body-framing.ts';
import { ReaderWake } from './reader-wake.ts';
import { ReceivedBytes, type ReceiveSlabs } from './received-bytes.ts';
import type { LentChunks, ResponseBody } from './response-body.ts';
import { TimeoutError } from './timeout-error.ts';
import type { UpstreamTimeouts } from './upstream-options.ts';

/*
 * Blobs over plain HTTP: bytes come into memory that is used again and again, which takes a fifth of what the
 * general client needs for the same bytes. Encrypted connections spend their time elsewhere and do not use it.
 */

/** Milliseconds that a connection waits for its next request. */
const IDLE = 3_000;
/** Answers of 1xx that may come before the one. */
const MOST_INTERIM = 32;
/** Bytes that a reader is woken for at once. */
const WORTH = 256 * 1024;

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

export interface BulkConnectionParts {
  readonly target: { readonly host: string; readonly port: number; readonly lookup?: LookupFunction };
  readonly timeouts: UpstreamTimeouts;
  /** Where what arrives is put. */
  readonly slabs: ReceiveSlabs;
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
export class BulkConnection {
  readonly #parts: BulkConnectionParts;
  readonly #socket: Socket;
  readonly #received: ReceivedBytes;
  /** Of headers that have not ended yet. */
  #head = Buffer.alloc(0);
  /** Answers of 1xx since the request. */
  #interim = 0;
  #framing: BodyFraming | undefined;
  #keepAlive = false;
  #asked: Waiting | undefined;
  readonly #reader = new ReaderWake();
  #error: Error | undefined;
  #ended = false;
  #paused = false;
  #timer: NodeJS.Timeout | undefined;
  #signal: AbortSignal | undefined;

  constructor(parts: BulkConnectionParts) {
    this.#parts = parts;
    this.#received = new ReceivedBytes(parts.slabs);
    this.#socket = connect({
      ...parts.target,
      noDelay: true,
      onread: {
        buffer: () => this.#received.room(),
        callback: (length: number) => this.#take(length),
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
    this.#interim = 0;
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

  destroy(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#socket.destroy();
    this.#received.close();
    this.#parts.closed();
    this.#asked?.reject(error);
    this.#asked = undefined;
    this.#reader.wakeNow();
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#signal?.reason;
    this.destroy(reason instanceof Error ? reason : new Error('given up', { cause: reason }));
  };

  /** The body of one answer: what is done with it later does nothing to the next one. */
  #body(): ResponseBody {
    let over = false;
    return {
      read: async () => {
        if (over) return undefined;
        const lent = await this.#read();
        over = lent === undefined;
        return lent;
      },
      abort: () => {
        if (over) return;
        over = true;
        if (this.#ended && this.#received.empty) this.#over();
        else this.destroy(new Error('nobody reads on'));
        this.#received.lend()?.letGo();
      },
    };
  }

  async #read(): Promise<LentChunks | undefined> {
    while (this.#received.empty && !this.#ended && this.#error === undefined) {
      await this.#reader.wait();
    }
    const lent = this.#received.lend();
    if (lent !== undefined) {
      this.#goOn();
      return lent;
    }
    if (!this.#ended && this.#error !== undefined) throw this.#error;
    this.#over();
    return undefined;
  }

  /** The answer was read to its end: the connection waits for another request, or goes. */
  #over(): void {
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
      this.#reader.wakeNow();
      return;
    }
    const error = Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' });
    this.destroy(error);
  }

  /** @returns false when no more may come for now */
  #take(length: number): boolean {
    try {
      this.#takeBytes(this.#received.take(length));
    } catch (error) {
      this.destroy(error instanceof Error ? error : new FramingError('cannot be read'));
      return false;
    }
    if (this.#error !== undefined) return false;
    // Headers that come byte by byte have no more time than those that come at once.
    if (this.#framing !== undefined) this.#timer?.refresh();
    this.#paused = this.#received.full;
    return !this.#paused;
  }

  #takeBytes(bytes: Buffer): void {
    if (this.#framing !== undefined) {
      this.#takeBody(bytes);
      return;
    }
    if (this.#asked === undefined) throw new FramingError('bytes that nobody asked for');
    let all = Buffer.concat([this.#head, bytes]);
    for (let head = parseHead(all); head !== undefined; head = parseHead(all)) {
      all = all.subarray(head.length);
      if (head.status >= 200) {
        this.#takeHead(head, all);
        return;
      }
      if (++this.#interim > MOST_INTERIM) throw new FramingError('no answer behind so many that are none');
    }
    this.#head = all;
  }

  /** What came with the headers is a copy: it is little. */
  #takeHead(head: ResponseHead, rest: Buffer): void {
    this.#head = Buffer.alloc(0);
    const bodyless = head.status === 204 || head.status === 304;
    this.#framing = bodyFraming(bodyless ? { 'content-length': '0' } : head.headers);
    this.#keepAlive = !this.#framing.untilClose && !/close/i.test(String(head.headers.connection ?? ''));
    this.#within(this.#parts.timeouts.stall, 'nothing came', 'stall');
    if (rest.length > 0) this.#received.addCopied(this.#framing.take(rest));
    this.#ended = this.#framing.ended;
    // Not before: whoever asked has to hear of a body that cannot be read.
    const asked = this.#asked;
    this.#asked = undefined;
    asked?.resolve({ ...head, body: this.#body() });
  }

  #takeBody(bytes: Buffer): void {
    if (this.#ended) throw new FramingError('bytes behind the end of an answer');
    this.#received.add(this.#framing?.take(bytes) ?? []);
    this.#ended = this.#framing?.ended ?? false;
    if (this.#ended) clearTimeout(this.#timer);
    if (this.#ended || this.#received.unread >= WORTH) this.#reader.wakeNow();
    else this.#reader.wakeSoon();
  }

  #goOn(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#timer?.refresh();
    this.#socket.resume();
  }

  #within(milliseconds: number, what: string, kind: 'once' | 'stall' = 'once'): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // No stall while the reader holds it up.
      if (kind === 'stall' && (this.#paused || !this.#received.empty)) this.#timer?.refresh();
      else this.destroy(new TimeoutError(`${what} within ${milliseconds} ms`));
    }, milliseconds);
  }
}
