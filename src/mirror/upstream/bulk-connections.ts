import { plainHostname } from './address.ts';
import { BulkConnection, type BulkRequest, type BulkResponse } from './bulk-connection.ts';
import { ReceiveMemory } from './receive-memory.ts';
import type { UpstreamTimeouts } from './upstream-options.ts';

/** Connections for GET of large content over plain HTTP. */
export class BulkConnections {
  readonly #timeouts: UpstreamTimeouts;
  readonly #most: number;
  readonly #onConnect: (hostname: string, address: string | undefined) => void;
  readonly #idle = new Map<string, BulkConnection[]>();
  readonly #open = new Set<BulkConnection>();
  readonly #memory = new ReceiveMemory();

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

  #connect({ url, lookup }: BulkRequest, key: string): BulkConnection {
    const hostname = plainHostname(url);
    const connection: BulkConnection = new BulkConnection({
      target: {
        host: hostname,
        port: Number(url.port || 80),
        ...(lookup === undefined ? {} : { lookup }),
      },
      timeouts: this.#timeouts,
      slabs: this.#memory,
      connected: (address) => this.#onConnect(hostname, address),
      ready: () => {
        this.#idle.set(key, [...(this.#idle.get(key) ?? []), connection]);
      },
      closed: () => {
        this.#open.delete(connection);
        const others = (this.#idle.get(key) ?? []).filter((one) => one !== connection);
        // Storage hosts that redirects lead to may have ever new names.
        if (others.length === 0) this.#idle.delete(key);
        else this.#idle.set(key, others);
      },
    });
    this.#open.add(connection);
    return connection;
  }
}
