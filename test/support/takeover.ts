import { type HttpClient, httpClient } from './http-client.ts';
import { randomLayers } from './random-content.ts';
import { type PushedImage, pushImage, pushIndex, verifyImage } from './raw-images.ts';
import { RepositoryClient } from './registry-client.ts';
import { type RegistryKind, type RegistryServer, startRegistry } from './registry-server.ts';

/** One directory that several registries serve, one after the other or at once. */
export interface SharedRoot extends AsyncDisposable {
  readonly http: HttpClient;
  /** The directory itself. */
  readonly root: string;
  /** Starts a registry on the directory; it ends with the others, if not before. */
  serve(kind?: RegistryKind): Promise<RegistryServer>;
  repository(server: RegistryServer, name: string): RepositoryClient;
}

/** `folder` holds the directory and the servers' own files. */
export function sharedRoot(folder: string): SharedRoot {
  const held = new AsyncDisposableStack();
  const http = held.use(httpClient());
  return {
    http,
    root: `${folder}/storage`,
    serve: async (kind) => held.use(await startRegistry({ directory: folder, ...(kind && { kind }) })),
    repository: (server, name) => new RepositoryClient(http, { origin: server.url, name }),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

export interface PushOptions {
  readonly server: RegistryServer;
  /** The first component of the repositories' names. */
  readonly team: string;
}

/** Pushes every kind of content that the older registries know how to keep, and gives what was pushed. */
export async function pushEverything(shared: SharedRoot, options: PushOptions): Promise<PushedImage[]> {
  const { server, team } = options;
  const app = shared.repository(server, `${team}/app`);
  const [common, ...others] = randomLayers(300_000, 5000, 5000, 5000);
  if (common === undefined) throw new Error('no layers');
  const images: PushedImage[] = [];
  for (const [number, layer] of others.entries()) {
    images.push(await pushImage(app, { tag: `v${number}`, layers: [common, layer] }));
  }
  const parts = [
    await pushImage(app, { layers: randomLayers(1000) }),
    await pushImage(app, { layers: randomLayers(2000) }),
  ];
  const index = await pushIndex(app, { tag: 'multi', children: parts.map((part) => part.descriptor) });
  const other = shared.repository(server, `${team}/nested/deep/er`);
  images.push(await pushImage(other, { tag: 'Other_1.0', layers: [common] }));
  return [...images, ...parts, index];
}

/** What only some registries keep: untagged artifacts that refer to a subject. */
export async function pushReferrer(
  shared: SharedRoot,
  { server, subject }: { readonly server: RegistryServer; readonly subject: PushedImage },
): Promise<PushedImage> {
  const repository = shared.repository(server, subject.repository);
  const artifactType = 'application/vnd.example.sbom';
  return pushImage(repository, { layers: randomLayers(500), subject: subject.descriptor, artifactType });
}

/** Asks a server for all of these images. */
export async function verifyAll(
  shared: SharedRoot,
  { server, images }: { readonly server: RegistryServer; readonly images: readonly PushedImage[] },
): Promise<void> {
  for (const image of images) await verifyImage(shared.repository(server, image.repository), image);
}
