import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { randomLayers } from '../support/random-content.ts';
import { pushImage, verifyImage } from '../support/raw-images.ts';
import { digestOf, withDigest } from '../support/registry-client.ts';
import { serverUnderTest } from '../support/registry-server.ts';
import { startBench } from '../support/server-bench.ts';

/** distribution takes a directory that went away for an empty one. */
describe.skipIf(serverUnderTest() !== 'fairlead')('a storage that goes away while the server runs', () => {
  test.each([
    ['the root', []],
    ['the registry’s tree', ['docker', 'registry', 'v2']],
  ])('%s: an outage, never "not found", until it is back; nothing makes it anew', async (_, path) => {
    await using bench = await startBench();
    const repository = bench.repository('team/outage');
    const image = await pushImage(repository, { tag: 'v1', layers: randomLayers(100_000) });
    const gone = join(bench.server.root, ...path);
    await rename(gone, `${gone}.away`);
    const [content = Buffer.alloc(0)] = randomLayers(1000);
    const unknown = digestOf(content);
    const answers = [
      await repository.send('manifests/unknown'),
      await repository.send(`blobs/${unknown}`),
      await repository.send(`blobs/${unknown}`, { method: 'HEAD' }),
      await repository.send('blobs/uploads/', { method: 'POST' }),
      await repository.send(withDigest('blobs/uploads/', unknown), { method: 'POST', body: content }),
      await repository.send('manifests/v1', { method: 'DELETE' }),
    ];
    for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(500);
    expect(existsSync(gone)).toBe(false);
    await rename(`${gone}.away`, gone);
    await verifyImage(repository, image);
    await verifyImage(repository, await pushImage(repository, { tag: 'v2', layers: [content] }));
  });

  test('a root that became a file', async () => {
    await using bench = await startBench();
    const repository = bench.repository('team/outage');
    const image = await pushImage(repository, { tag: 'v1', layers: randomLayers(1000) });
    const { root } = bench.server;
    await rename(root, `${root}.away`);
    await writeFile(root, 'a file');
    expect((await repository.send('manifests/unknown')).status).toBeGreaterThanOrEqual(500);
    await rename(root, `${root}.file`);
    await rename(`${root}.away`, root);
    await verifyImage(repository, image);
  });
});
