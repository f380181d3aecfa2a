import { LRUCache } from 'lru-cache';
import type { Dispatcher } from 'undici';
import { type NoProxy, parseNoProxy } from '../../operations/no-proxy.ts';
import { isAddress, isLocalhost, isPrivateAddress, plainHostname } from './address.ts';
import { publicLookup, refusePrivateLiteral, refusePrivateName } from './address-guard.ts';
import { BulkConnections } from './bulk-connections.ts';
import { asError, type ConnectionTurn, ConnectionTurns } from './connection-turns.ts';
import { type LineOptions, type Lines, openLines } from './lines.ts';
import { BufferedBody, type ResponseBody } from './response-body.ts';
import { TimeoutError } from './timeout-error.ts';
import { isConnectTimeout } from './typed-error.ts';
import type { UpstreamTimeouts } from './upstream-options.ts';

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** One request to one server: no redirect followed, no credentials worked out. */
export interface Hop {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Whether a body of many bytes is to be expected. */
  readonly bulk?: boolean | undefined;
  /** Refuses private addresses, by name too. */
  readonly publicOnly: boolean;
}

export interface HopResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: ResponseBody;
}

export type TransportOptions = Omit<LineOptions, 'connected'>;

/** HTTP/1.1 to an upstream and where it redirects to: bounded connections, every phase with its time. */
export class Transport {
  readonly #timeouts: UpstreamTimeouts;
  readonly #most: number;
  readonly #open: Lines;
  readonly #guarded: Lines;
  /** For large bodies beyond half of the connections: manifests must not wait behind layers. */
  readonly #openLarge: Lines;
  readonly #guardedLarge: Lines;
  readonly #bulk: BulkConnections;
  readonly #noProxy: NoProxy;
  /** By host name: whether the last connection went to a private address. Redirects may lead to ever new names. */
  readonly #wentPrivate = new LRUCache<string, boolean>({ max: 1_000 });
  readonly #turns = new ConnectionTurns();
  /** Large bodies under way over the lines that everything uses. */
  #large = 0;

  constructor(options: TransportOptions) {
    this.#timeouts = options.timeouts;
    this.#most = options.connections;
    const connected = (hostname: string, address: string | undefined): void =>
      this.#connected(hostname, address);
    this.#bulk = new BulkConnections({
      timeouts: options.timeouts,
      most: options.connections,
      onConnect: connected,
    });
    this.#noProxy = parseNoProxy([options.proxies?.no ?? '']);
    const all = { ...options, connected };
    this.#open = openLines(all, 'any');
    this.#guarded = openLines(all, 'public');
    const large = { ...all, connections: Math.ceil(options.connections / 2) };
    this.#openLarge = openLines(large, 'any');
    this.#guardedLarge = openLines(large, 'public');
  }

  /**
   * Whether the host is on the public Internet, as far as is known: a host reached through a proxy is unless its
   * name says otherwise, and one that was never reached too.
   */
  isPublic(url: URL): boolean {
    const hostname = plainHostname(url);
    if (isLocalhost(hostname)) return false;
    if (isAddress(hostname)) return !isPrivateAddress(hostname);
    return this.#wentPrivate.get(hostname) !== true;
  }

  /**
   * Resolves when the headers are here.
   * @throws TimeoutError, PrivateAddressError, the signal's reason, or what the socket says
   */
  async exchange(hop: Hop): Promise<HopResponse> {
    hop.signal?.throwIfAborted();
    const isLarge = hop.bulk === true && hop.method === 'GET';
    const isShared = !isLarge || this.#large < Math.floor(this.#most / 2);
    const lines = this.#linesFor(hop, isShared);
    const proxied = hop.url.protocol === 'https:' ? lines.https : lines.http;
    const line = this.#noProxy(hop.url) ? lines.direct : proxied;
    if (hop.publicOnly) {
      refusePrivateLiteral(plainHostname(hop.url));
      // Behind a proxy the connection's own look-up is not ours to see.
      if (line !== lines.direct) await refusePrivateName(plainHostname(hop.url));
    }
    if (isLarge && line === lines.direct && !this.#bulk.full) {
      if (hop.url.protocol === 'http:') return await this.#getBulk(hop);
    }
    const counts = isLarge && isShared;
    if (counts) this.#large++;
    const left = (): void => {
      if (counts) this.#large--;
    };
    const turn = await this.#turnFor(hop, isShared).catch((error: unknown) => {
      left();
      throw error;
    });
    const ended = (): void => {
      left();
      turn.end();
    };
    return await new Promise<HopResponse>((resolve, reject) => {
      const { handler, start } = this.#handler(hop, { resolve, reject, turn, ended });
      start();
      line.dispatch(
        {
          origin: hop.url.origin,
          path: `${hop.url.pathname}${hop.url.search}`,
          method: hop.method,
          headers: { ...hop.headers },
        },
        handler,
      );
    });
  }

  async close(): Promise<void> {
    this.#bulk.close();
    const all = new Set(
      [this.#open, this.#guarded, this.#openLarge, this.#guardedLarge].flatMap(({ direct, http, https }) => [
        direct,
        http,
        https,
      ]),
    );
    await Promise.all([...all].map((line) => line.destroy()));
  }

  async #getBulk({ url, headers, signal, publicOnly }: Hop): Promise<HopResponse> {
    const lookup = publicOnly ? { lookup: publicLookup } : {};
    return { url, ...(await this.#bulk.get({ url, headers, signal, ...lookup })) };
  }

  #linesFor({ publicOnly }: Hop, isShared: boolean): Lines {
    if (isShared) return publicOnly ? this.#guarded : this.#open;
    return publicOnly ? this.#guardedLarge : this.#openLarge;
  }

  #turnFor({ url, publicOnly, signal }: Hop, isShared: boolean): Promise<ConnectionTurn> {
    const most = isShared ? this.#most : Math.ceil(this.#most / 2);
    return this.#turns.take(`${isShared} ${publicOnly} ${url.origin}`, { most, signal });
  }

  #connected(hostname: string, address: string | undefined): void {
    if (address !== undefined) this.#wentPrivate.set(hostname, isPrivateAddress(address));
  }

  #handler(
    hop: Hop,
    {
      resolve,
      reject,
      turn,
      ended: onEnd,
    }: {
      readonly resolve: (response: HopResponse) => void;
      readonly reject: (reason: unknown) => void;
      readonly turn: ConnectionTurn;
      /** Called once, when nothing more comes. */
      readonly ended: () => void;
    },
  ): { handler: Dispatcher.DispatchHandler; start(): void } {
    const { firstByte, stall } = this.#timeouts;
    let controller: Dispatcher.DispatchController | undefined;
    let body: BufferedBody | undefined;
    let timer: NodeJS.Timeout | undefined;
    let ended = false;

    const end = (): void => {
      if (ended) return;
      ended = true;
      onEnd();
      clearTimeout(timer);
      hop.signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: Error): void => {
      if (ended) return;
      end();
      reject(error);
      body?.fail(error);
      controller?.abort(error);
    };
    const failSilent = (error: Error): void => {
      turn.silent(error);
      fail(error);
    };
    const onAbort = (): void => fail(asError(hop.signal?.reason));

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started;
        if (ended) return started.abort(new Error('the request was given up before it began'));
        clearTimeout(timer);
        timer = setTimeout(() => failSilent(new TimeoutError(`no answer within ${firstByte} ms`)), firstByte);
      },
      onResponseStart(_controller, status, headers) {
        if (status < 200 || ended) return;
        turn.heard();
        clearTimeout(timer);
        const onStall = (): void => {
          if (body?.paused === true) timer?.refresh();
          else fail(new TimeoutError(`nothing came for ${stall} ms`));
        };
        timer = setTimeout(onStall, stall);
        body = new BufferedBody({
          pause: () => controller?.pause(),
          resume: () => {
            timer?.refresh();
            controller?.resume();
          },
          abort: fail,
        });
        resolve({ url: hop.url, status, headers, body });
      },
      onResponseData(_controller, chunk) {
        turn.heard();
        timer?.refresh();
        body?.push(chunk);
      },
      onResponseEnd() {
        end();
        body?.end();
      },
      onResponseError(_controller, error) {
        if (isConnectTimeout(error)) failSilent(error);
        else fail(error);
      },
    };
    const start = (): void => hop.signal?.addEventListener('abort', onAbort, { once: true });
    return { handler, start };
  }
}

/** @returns a header that may come once, undefined where it is missing or repeated */
export function single(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
