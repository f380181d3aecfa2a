import { rm } from 'node:fs/promises';
import {
  type RegistryConfig,
  type RegistryKind,
  type RegistryServer,
  startRegistry,
} from '../../test/support/registry-server.ts';
import { startToxiproxy, type Toxiproxy } from '../../test/support/toxiproxy.ts';
import { writeLargeFile } from '../load/large-file.ts';
import { download, pushFile, timed } from '../load/transfer.ts';
import type { Measuring, Row } from '../row.ts';

const NAME = 'bench/cold';

/** How the upstream is reached: over the bare loopback, or a line with a delay and a rate for each connection. */
interface Line {
  readonly name: string;
  /** Milliseconds there and back. */
  readonly roundTrip: number;
  /** MB/s of one connection; undefined without a bound. */
  readonly rate: number | undefined;
}

const LINES: readonly Line[] = [
  { name: 'the loopback', roundTrip: 0, rate: undefined },
  { name: 'a line of 125 MB/s', roundTrip: 2, rate: 125 },
  { name: 'a slow line (80 ms, 24 MB/s a connection)', roundTrip: 80, rate: 24 },
];

/** This server as a mirror of one registry, the others as they do it. */
function mirrorConfig(kind: RegistryKind, url: string): RegistryConfig {
  if (kind !== 'fairlead') return { proxy: { remoteurl: url } };
  return { mirror: { upstreams: [{ name: 'upstream.example', urls: [url] }] } };
}

async function hostOver(line: Line, toxiproxy: Toxiproxy, upstream: RegistryServer): Promise<string> {
  const proxy = await toxiproxy.proxy('line', upstream.host);
  const { roundTrip, rate } = line;
  if (roundTrip > 0) await proxy.add({ name: 'delay', type: 'latency', attributes: { latency: roundTrip } });
  if (rate !== undefined) {
    await proxy.add({ name: 'rate', type: 'bandwidth', attributes: { rate: rate * 1000 } });
  }
  return proxy.host;
}

/** Seconds for a layer that nobody has pulled yet; `kind` undefined: from the upstream itself. */
async function coldPull(
  { scratch, round }: Measuring,
  of: { readonly line: Line; readonly mebibytes: number; readonly kind: RegistryKind | undefined },
): Promise<number> {
  const folder = scratch.at(`cold-${of.kind ?? 'direct'}-${of.line.rate ?? 'free'}-${round}`);
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startRegistry({ kind: 'docker-registry', directory: `${folder}-up` }));
  const file = await writeLargeFile(`${folder}-layer`, of.mebibytes);
  stack.defer(() => rm(file.path));
  await pushFile(`${upstream.url}/v2/${NAME}`, file);
  const host =
    of.line.roundTrip === 0
      ? upstream.host
      : await hostOver(of.line, stack.use(await startToxiproxy()), upstream);
  const url =
    of.kind === undefined ? `http://${host}` : (await startMirror(of.kind, { stack, folder, host })).url;
  return await timed(() => download(`${url}/v2/${NAME}/blobs/${file.digest}`, file.size));
}

async function startMirror(
  kind: RegistryKind,
  on: { readonly stack: AsyncDisposableStack; readonly folder: string; readonly host: string },
): Promise<RegistryServer> {
  const config = mirrorConfig(kind, `http://${on.host}`);
  return on.stack.use(await startRegistry({ kind, directory: `${on.folder}-mirror`, config }));
}

/** @param mebibytes of the layer */
export function mirrorRows(mebibytes: number): readonly Row[] {
  return LINES.map((line) => ({
    name: `cold pull of ${mebibytes} MiB through a mirror over ${line.name}`,
    unit: 's',
    better: 'less',
    measure: (measuring) => coldPull(measuring, { line, mebibytes, kind: measuring.server.kind }),
    references: [
      { name: 'direct', measure: (measuring) => coldPull(measuring, { line, mebibytes, kind: undefined }) },
    ],
  }));
}
