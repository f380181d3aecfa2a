import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { randomLayers } from '../support/random-content.ts';
import { type PushedImage, pushImage, verifyImage } from '../support/raw-images.ts';
import { digestOf } from '../support/registry-client.ts';
import type { RegistryServer } from '../support/registry-server.ts';
import { makeScratch } from '../support/scratch.ts';
import { type SharedRoot, sharedRoot } from '../support/takeover.ts';

const name = 'team/left';

/** Where distribution keeps things of the repository. */
const inRepository = (shared: SharedRoot, ...path: string[]) =>
  join(shared.root, 'docker/registry/v2/repositories', name, ...path);
const dataOf = (shared: SharedRoot, digest: string) => {
  const [algorithm = '', hex = ''] = digest.split(':');
  return join(shared.root, 'docker/registry/v2/blobs', algorithm, hex.slice(0, 2), hex, 'data');
};
const linkOf = (digest: string) => join(...digest.split(':'), 'link');

/** Pushes two images to distribution, spoils something on its disk, and serves it here. */
async function serveSpoiled(
  shared: SharedRoot,
  options: { readonly spoil: (image: PushedImage) => Promise<void>; readonly layers?: readonly Buffer[] },
): Promise<{ readonly server: RegistryServer; readonly spoiled: PushedImage; readonly whole: PushedImage }> {
  const { spoil, layers = randomLayers(1000) } = options;
  const before = await shared.serve('distribution');
  const repository = shared.repository(before, name);
  const spoiled = await pushImage(repository, { tag: 'spoiled', layers });
  const whole = await pushImage(repository, { tag: 'whole', layers: randomLayers(2000) });
  await before.stop();
  await spoil(spoiled);
  return { server: await shared.serve(), spoiled, whole };
}

function expectCode(answer: { status: number; body: Buffer }, code: string): void {
  expect(answer.status).toBe(404);
  expect(JSON.parse(answer.body.toString()).errors[0].code).toBe(code);
}

/** Whether a line of the log names the repository and the file. */
function warns(server: RegistryServer, file: string): boolean {
  return server
    .output()
    .split('\n')
    .some((line) => line.includes(name) && line.includes(file));
}

describeWith(['distribution'], 'what distribution leaves behind after a crash', () => {
  test.each([
    {
      what: 'an empty link of a tag',
      spoil: (shared: SharedRoot) => truncate(inRepository(shared, '_manifests/tags/spoiled/current/link')),
      warning: '_manifests/tags/spoiled/current/link',
    },
    {
      what: 'a tag without a link',
      spoil: (shared: SharedRoot) => rm(inRepository(shared, '_manifests/tags/spoiled/current/link')),
      // As every deleted tag leaves it.
      warning: '',
    },
    {
      what: 'a tag whose revision is gone',
      spoil: (shared: SharedRoot, { digest }: PushedImage) =>
        rm(inRepository(shared, '_manifests/revisions', linkOf(digest))),
      warning: '_manifests/tags/spoiled/current/link',
    },
    {
      what: 'an empty link of a revision',
      spoil: (shared: SharedRoot, { digest }: PushedImage) =>
        truncate(inRepository(shared, '_manifests/revisions', linkOf(digest))),
      warning: '_manifests/revisions/sha256/',
    },
    {
      what: 'a manifest whose data is gone',
      spoil: (shared: SharedRoot, { digest }: PushedImage) => rm(dataOf(shared, digest)),
      warning: 'docker/registry/v2/blobs/sha256/',
    },
  ])('$what: that tag is unknown, everything else is served', async ({ spoil, warning }) => {
    await using scratch = makeScratch();
    await using shared = sharedRoot(scratch.path);
    const { server, whole } = await serveSpoiled(shared, { spoil: (image) => spoil(shared, image) });
    const repository = shared.repository(server, name);
    expectCode(await repository.send('manifests/spoiled'), 'MANIFEST_UNKNOWN');
    expect((await repository.send('manifests/spoiled', { method: 'HEAD' })).status).toBe(404);
    await verifyImage(repository, whole);
    const { body } = await repository.expect(200, 'tags/list');
    expect(JSON.parse(body.toString()).tags).toContain('whole');
    if (warning !== '') await eventually('it warns', { within: 2000, holds: () => warns(server, warning) });
    // What was lost can be pushed again.
    const again = await pushImage(repository, { tag: 'spoiled', layers: randomLayers(1000) });
    await verifyImage(repository, again);
  });

  test.each([
    {
      what: 'an empty link of a layer',
      spoil: (shared: SharedRoot, digest: string) =>
        truncate(inRepository(shared, '_layers', linkOf(digest))),
      warning: '_layers/sha256/',
    },
    {
      what: 'a layer whose data is gone',
      spoil: (shared: SharedRoot, digest: string) => rm(dataOf(shared, digest)),
      warning: 'docker/registry/v2/blobs/sha256/',
    },
  ])('$what: that blob is unknown, and can be pushed again', async ({ spoil, warning }) => {
    await using scratch = makeScratch();
    await using shared = sharedRoot(scratch.path);
    const [lost = Buffer.alloc(0)] = randomLayers(5000);
    const digest = digestOf(lost);
    const { server, whole } = await serveSpoiled(shared, {
      spoil: () => spoil(shared, digest),
      layers: [lost],
    });
    const repository = shared.repository(server, name);
    expectCode(await repository.send(`blobs/${digest}`), 'BLOB_UNKNOWN');
    await repository.expect(404, `blobs/${digest}`, { method: 'HEAD' });
    await repository.expect(200, 'manifests/spoiled');
    await verifyImage(repository, whole);
    await eventually('it warns', { within: 2000, holds: () => warns(server, warning) });
    await repository.pushBlob(lost);
    await repository.getBlob(digest);
  });

  test('temporary files beside links and data are not tags, repositories or content', async () => {
    await using scratch = makeScratch();
    await using shared = sharedRoot(scratch.path);
    const uuid = '8c1f0ca4-6a05-4d3a-9a5e-6c9a3f4d8b11';
    const { server, whole, spoiled } = await serveSpoiled(shared, {
      spoil: async (image) => {
        const [algorithm = '', hex = ''] = image.digest.split(':');
        const litter = [
          inRepository(shared, `_manifests/tags/spoiled/current/link.${uuid}.tmp`),
          inRepository(shared, `_manifests/tags/tag.${uuid}.tmp`),
          inRepository(shared, `_manifests/revisions/${algorithm}/${hex}/link.${uuid}.tmp`),
          inRepository(shared, `_layers/${algorithm}/link.${uuid}.tmp`),
          join(shared.root, `docker/registry/v2/repositories/repository.${uuid}.tmp`),
          join(
            shared.root,
            `docker/registry/v2/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data.${uuid}.tmp`,
          ),
        ];
        for (const file of litter) await writeFile(file, 'half');
      },
    });
    const repository = shared.repository(server, name);
    await verifyImage(repository, whole);
    await verifyImage(repository, spoiled);
    const { body } = await repository.expect(200, 'tags/list');
    expect(JSON.parse(body.toString()).tags).toEqual(['spoiled', 'whole']);
    const catalog = await shared.http.send(`${server.url}/v2/_catalog`);
    expect(JSON.parse(catalog.body.toString()).repositories).toEqual([name]);
  });

  test('sessions without a beginning, and with nothing but hash states, are unknown or can be ended', async () => {
    await using scratch = makeScratch();
    await using shared = sharedRoot(scratch.path);
    const uuid = '1b4e28ba-2fa1-41d2-883f-0016d3cca427';
    const { server } = await serveSpoiled(shared, {
      spoil: async () => {
        await mkdir(inRepository(shared, `_uploads/${uuid}/hashstates/sha256`), { recursive: true });
        await writeFile(inRepository(shared, `_uploads/${uuid}/hashstates/sha256/0`), 'not a state');
      },
    });
    const repository = shared.repository(server, name);
    const status = await repository.send(`blobs/uploads/${uuid}`);
    expect([204, 404]).toContain(status.status);
    const cancelled = await repository.send(`blobs/uploads/${uuid}`, { method: 'DELETE' });
    expect([204, 404]).toContain(cancelled.status);
  });
});
