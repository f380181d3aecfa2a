import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clientsIn } from '../support/clients.ts';
import { describeWith } from '../support/describe-with.ts';
import { CLASSIC_DOCKER, startDockerClassic } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { writeLayer } from '../support/images.ts';
import { randomLayers } from '../support/random-content.ts';
import { startBench } from '../support/server-bench.ts';

describeWith(['crane', ...CLASSIC_DOCKER], 'a registry that is killed in the middle of a docker push', () => {
  test('and is back at once: the push ends well', async () => {
    await using bench = await startBench();
    const { scratch, server } = bench;
    await using docker = await startDockerClassic({ folder: scratch.path });
    const [content = Buffer.alloc(0)] = randomLayers(200_000_000);
    const layer = await writeLayer(scratch.path, 'large.tar', [{ name: 'large', content }]);
    const reference = `${server.host}/team/large:v1`;
    await docker.cli('import', layer, reference);
    const push = docker.cli('push', reference);
    const uploads = join(server.root, 'docker/registry/v2/repositories/team/large/_uploads');
    await eventually('some of the layer has arrived', {
      within: 60_000,
      holds: async () => (await largestFile(uploads)) > 10_000_000,
    });
    await server.kill();
    await server.start();
    expect((await push).stdout).toMatch(/v1: digest: sha256:/);
    await clientsIn(scratch.path).crane('validate', '--remote', reference);
  });
});

/** Bytes of the largest file below a folder; 0 while there is none, or while it changes its name. */
async function largestFile(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (found) => (found.isFile() ? found.size : 0),
        () => 0,
      ),
    ),
  );
  return Math.max(0, ...sizes);
}
