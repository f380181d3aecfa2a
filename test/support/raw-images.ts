import { type Algorithm, digestOf, mediaTypes, type RepositoryClient } from './registry-client.ts';

/** What points at content, as manifests have it. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** An image that was pushed, and all that must be served for it. */
export interface PushedImage {
  readonly repository: string;
  readonly digest: string;
  readonly tag: string | undefined;
  readonly blobs: readonly string[];
  readonly descriptor: Descriptor;
}

export interface RawImageOptions {
  /** Left out, it is pushed by digest. */
  readonly tag?: string;
  readonly layers: readonly Uint8Array[];
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  readonly algorithm?: Algorithm;
  /** Sends each blob by PATCH, as docker does; default: in the PUT. */
  readonly patched?: boolean;
}

/** Pushes the layers, a config and a manifest. */
export async function pushImage(
  repository: RepositoryClient,
  options: RawImageOptions,
): Promise<PushedImage> {
  const { tag, layers, subject, artifactType, algorithm = 'sha256', patched = false } = options;
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', layers: layers.length, tag }),
  );
  const pushed: Descriptor[] = [];
  for (const content of [config, ...layers]) {
    const digest = await (patched
      ? repository.pushBlobByPatch(content)
      : repository.pushBlob(content, algorithm));
    pushed.push({ mediaType: mediaTypes.layer, digest, size: content.byteLength });
  }
  const [first, ...rest] = pushed;
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    ...(artifactType !== undefined && { artifactType }),
    config: { ...first, mediaType: mediaTypes.config },
    layers: rest,
    ...(subject !== undefined && { subject }),
  };
  return putManifest(repository, { manifest, tag, algorithm, blobs: pushed.map(({ digest }) => digest) });
}

/** Pushes an index of what was pushed before. */
export function pushIndex(
  repository: RepositoryClient,
  options: {
    readonly tag?: string;
    readonly children: readonly Descriptor[];
    readonly algorithm?: Algorithm;
  },
): Promise<PushedImage> {
  const { tag, children, algorithm = 'sha256' } = options;
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: children };
  return putManifest(repository, { manifest, tag, algorithm, blobs: [] });
}

interface ManifestPut {
  readonly manifest: { readonly mediaType: string };
  readonly tag: string | undefined;
  readonly algorithm: Algorithm;
  readonly blobs: readonly string[];
}

async function putManifest(repository: RepositoryClient, put: ManifestPut): Promise<PushedImage> {
  const { manifest, tag, algorithm, blobs } = put;
  const body = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(body, algorithm);
  // A tag alone says nothing of the algorithm; only a server that knows the parameter can tag a sha512 manifest.
  const reference =
    algorithm === 'sha256' ? (tag ?? digest) : `${digest}${tag === undefined ? '' : `?tag=${tag}`}`;
  await repository.putManifest(reference, manifest);
  return {
    repository: repository.name,
    digest,
    tag,
    blobs,
    descriptor: { mediaType: manifest.mediaType, digest, size: body.byteLength },
  };
}

/** Asks for all of an image. @throws when anything is missing, or is not what was pushed */
export async function verifyImage(repository: RepositoryClient, image: PushedImage): Promise<void> {
  for (const digest of image.blobs) await repository.getBlob(digest);
  await repository.getManifest(image.digest);
  if (image.tag === undefined) return;
  const found = await repository.resolve(image.tag);
  if (image.digest.startsWith('sha256:') && found !== image.digest) {
    throw new Error(`${image.repository}:${image.tag} leads to ${found}, not ${image.digest}`);
  }
}
