import { freePort } from './free-port.ts';
import { startProgram } from './program.ts';
import { toolPath } from './tools.ts';

/** What is done to a direction of a proxy's connections; `attributes` as toxiproxy names them. */
export interface Toxic {
  readonly name: string;
  readonly type: 'latency' | 'bandwidth' | 'limit_data' | 'reset_peer' | 'slicer' | 'slow_close' | 'timeout';
  /** `downstream` is from the server to the client, and the default. */
  readonly stream?: 'upstream' | 'downstream';
  readonly attributes?: Readonly<Record<string, number>>;
}

/** A TCP port that leads to another one, over a line that can be made bad. */
export interface Proxy {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  add(toxic: Toxic): Promise<void>;
  remove(toxicName: string): Promise<void>;
  /** Cuts every connection and refuses new ones, until `enable`. */
  disable(): Promise<void>;
  enable(): Promise<void>;
}

export interface Toxiproxy extends AsyncDisposable {
  /** A new proxy that leads to `upstream`, `host:port`. */
  proxy(name: string, upstream: string): Promise<Proxy>;
  /** Makes all lines good again. */
  reset(): Promise<void>;
}

export async function startToxiproxy(): Promise<Toxiproxy> {
  const port = await freePort();
  const api = `http://127.0.0.1:${port}`;
  const program = await startProgram(toolPath('toxiproxy'), ['-host', '127.0.0.1', '-port', String(port)], {
    ready: async () => (await fetch(`${api}/version`)).ok,
  });
  const ask = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${api}${path}`, init);
    if (!response.ok)
      throw new Error(`toxiproxy: ${method} ${path}: ${response.status} ${await response.text()}`);
  };
  return {
    proxy: async (name, upstream) => {
      const host = `127.0.0.1:${await freePort()}`;
      await ask('POST', '/proxies', { name, listen: host, upstream, enabled: true });
      const path = `/proxies/${name}`;
      return {
        host,
        add: (toxic) => ask('POST', `${path}/toxics`, { stream: 'downstream', ...toxic }),
        remove: (toxicName) => ask('DELETE', `${path}/toxics/${toxicName}`),
        disable: () => ask('POST', path, { name, listen: host, upstream, enabled: false }),
        enable: () => ask('POST', path, { name, listen: host, upstream, enabled: true }),
      };
    },
    reset: () => ask('POST', '/reset'),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
