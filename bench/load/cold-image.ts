import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mediaTypes } from '../../test/support/registry-client.ts';
import {
  type RegistryConfig,
  type RegistryKind,
  type RegistryServer,
  startRegistry,
} from '../../test/support/registry-server.ts';
import type { Measuring } from '../row.ts';
import { readChecked } from './checked-read.ts';
import { type LargeFile, writeLargeFile } from './large-file.ts';
import { type Line, lineTo } from './lines.ts';
import { withRepository } from './rounds.ts';
import { downloadAll, pushFile } from './transfer.ts';

const NAME = 'bench/cold';
const TAG = 'v1';

/** An image in an upstream of its own that nobody has pulled yet, and the mirror that clients ask for it. */
export interface ColdImage extends AsyncDisposable {
  readonly upstream: RegistryServer;
  /** undefined: clients ask the upstream itself. */
  readonly mirror: RegistryServer | undefined;
  readonly layers: readonly LargeFile[];
  /** Asks for the manifest by its tag. @throws Error unless it is what was pushed */
  resolve(): Promise<void>;
  /** Reads the layers to nowhere, so many at once. @throws Error unless each had its size */
  pull(options: { readonly atOnce: number }): Promise<void>;
  /** As `readChecked`. */
  readLayer(layer: LargeFile): Promise<number>;
}

export interface ColdImageOptions {
  /** Between the upstream and who asks it. */
  readonly line: Line;
  /** Whose mirror; undefined: none. */
  readonly kind: RegistryKind | undefined;
  /** MiB of each layer. */
  readonly layers: readonly number[];
}

export async function startColdImage(
  { scratch }: Pick<Measuring, 'scratch'>,
  { line, kind, layers }: ColdImageOptions,
): Promise<ColdImage> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(scratch.at('cold-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const directory = join(folder, 'upstream');
  const upstream = stack.use(await startRegistry({ kind: 'docker-registry', directory }));
  const files: LargeFile[] = [];
  for (const mebibytes of layers) files.push(await pushNewLayer(upstream, { folder, mebibytes }));
  const digest = await pushManifest(upstream, files);
  const from = await lineTo(upstream.host, { line, stack });
  const mirror = kind === undefined ? undefined : stack.use(await startMirror(kind, { folder, from }));
  const origin = mirror?.url ?? `http://${from}`;
  const urlOf = (layer: LargeFile) => `${origin}/v2/${NAME}/blobs/${layer.digest}`;
  const held = stack.move();
  return {
    upstream,
    mirror,
    layers: files,
    resolve: async () => {
      const work = { name: NAME, work: (repository: Resolver) => repository.resolve(TAG) };
      const found = await withRepository(origin, work);
      if (found !== digest) throw new Error(`${origin}: ${NAME}:${TAG} leads to ${found}, not ${digest}`);
    },
    pull: ({ atOnce }) => downloadAll(new Map(files.map((file) => [urlOf(file), file.size])), { atOnce }),
    readLayer: (layer) => readChecked(urlOf(layer), layer),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

interface Resolver {
  resolve(tag: string): Promise<string>;
}

async function pushNewLayer(
  upstream: RegistryServer,
  { folder, mebibytes }: { readonly folder: string; readonly mebibytes: number },
): Promise<LargeFile> {
  const file = await writeLargeFile(join(folder, 'layer'), mebibytes);
  await pushFile(`${upstream.url}/v2/${NAME}`, file);
  await rm(file.path);
  return file;
}

/** Gives its digest. */
function pushManifest(upstream: RegistryServer, layers: readonly LargeFile[]): Promise<string> {
  return withRepository(upstream.url, {
    name: NAME,
    work: async (repository) => {
      const config = Buffer.from('{}');
      return repository.putManifest(TAG, {
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: {
          mediaType: mediaTypes.config,
          digest: await repository.pushBlob(config),
          size: config.length,
        },
        layers: layers.map(({ digest, size }) => ({ mediaType: mediaTypes.layer, digest, size })),
      });
    },
  });
}

function startMirror(
  kind: RegistryKind,
  { folder, from }: { readonly folder: string; readonly from: string },
): Promise<RegistryServer> {
  const config = mirrorConfig(kind, `http://${from}`);
  return startRegistry({ kind, directory: join(folder, 'mirror'), config });
}

/** This server as a mirror of one registry, the others as they do it. */
function mirrorConfig(kind: RegistryKind, url: string): RegistryConfig {
  if (kind !== 'fairlead') return { proxy: { remoteurl: url } };
  return { mirror: { upstreams: [{ name: 'upstream.example', urls: [url] }] } };
}
