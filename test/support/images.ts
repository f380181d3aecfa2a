import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clients } from './clients.ts';
import { makeTar, type TarEntry } from './tar.ts';
import { toolPath } from './tools.ts';

/** What is in an image that says `text` when it runs. */
export async function greetingFiles(text: string): Promise<TarEntry[]> {
  return [
    { name: 'bin/busybox', content: await readFile(toolPath('busybox')) },
    ...['sh', 'cat', 'ls', 'sha256sum'].map((name) => ({ name: `bin/${name}`, linkTo: 'busybox' })),
    { name: 'greeting', content: Buffer.from(`${text}\n`), mode: 0o644 },
  ];
}

/** Writes a layer to `folder/name` and gives its path. */
export async function writeLayer(
  folder: string,
  name: string,
  entries: readonly TarEntry[],
): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, makeTar(entries));
  return path;
}

export interface ImageOptions {
  /** A folder for the layers. */
  readonly folder: string;
  /** `host/repository:tag` */
  readonly reference: string;
  readonly text: string;
  /** Default linux/amd64. */
  readonly platform?: string;
}

/** Makes an image that prints `text` and pushes it with crane; gives the digest of its manifest. */
export async function pushGreeting(clients: Clients, options: ImageOptions): Promise<string> {
  const { folder, reference, text, platform = 'linux/amd64' } = options;
  const layer = await writeLayer(folder, 'greeting.tar', await greetingFiles(text));
  await clients.crane('append', '--oci-empty-base', '--new_layer', layer, '--new_tag', reference);
  const command = ['--entrypoint', '/bin/cat', '--cmd', '/greeting', '--set-platform', platform];
  await clients.crane('mutate', reference, ...command, '--tag', reference);
  return (await clients.crane('digest', reference)).stdout.trim();
}

/** Pushes an index with an image for each of two platforms below one tag; gives the digest of the index. */
export async function pushMultiArch(
  clients: Clients,
  options: Omit<ImageOptions, 'platform'>,
): Promise<string> {
  const parts = ['linux/amd64', 'linux/arm64'].map((platform) => {
    const reference = `${options.reference}-${platform.replace('/', '-')}`;
    return { reference, platform, text: `${options.text} on ${platform}` };
  });
  for (const part of parts) await pushGreeting(clients, { ...part, folder: options.folder });
  const manifests = parts.flatMap((part) => ['--manifest', part.reference]);
  await clients.crane('index', 'append', ...manifests, '--tag', options.reference);
  return (await clients.crane('digest', options.reference)).stdout.trim();
}
