import { startToxiproxy } from '../../test/support/toxiproxy.ts';

/** How an upstream is reached: over the bare loopback, or a line with a delay and a rate for each connection. */
export interface Line {
  readonly name: string;
  /** Milliseconds there and back. */
  readonly roundTrip: number;
  /** MB/s of one connection; undefined without a bound. */
  readonly rate: number | undefined;
}

export const LOOPBACK: Line = { name: 'the loopback', roundTrip: 0, rate: undefined };
export const WIDE_LINE: Line = { name: 'a line of 125 MB/s', roundTrip: 2, rate: 125 };
export const SLOW_LINE: Line = {
  name: 'a slow line (80 ms, 24 MB/s a connection)',
  roundTrip: 80,
  rate: 24,
};

/** Where the line to `host` begins, `host:port`; it lasts as long as the stack. */
export async function lineTo(
  host: string,
  { line, stack }: { readonly line: Line; readonly stack: AsyncDisposableStack },
): Promise<string> {
  const { roundTrip, rate } = line;
  if (roundTrip === 0 && rate === undefined) return host;
  const proxy = await stack.use(await startToxiproxy()).proxy('line', host);
  if (roundTrip > 0) await proxy.add({ name: 'delay', type: 'latency', attributes: { latency: roundTrip } });
  if (rate !== undefined) {
    await proxy.add({ name: 'rate', type: 'bandwidth', attributes: { rate: rate * 1000 } });
  }
  return proxy.host;
}
