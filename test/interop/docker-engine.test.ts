import { beforeAll, expect, test } from 'vitest';
import { type Docker, startDockerEngine } from '../support/docker.ts';
import { greetingFiles, pushMultiArch, writeLayer } from '../support/images.ts';
import { interopSuite } from '../support/interop-suite.ts';

interopSuite(
  'docker Engine 29',
  ['dockerd-engine', 'containerd', 'ctr', 'docker', 'crane', 'busybox', 'root'],
  (context) => {
    let docker: Docker;
    beforeAll(async () => {
      docker = context.use(await startDockerEngine({ folder: context.scratch.path }));
    });

    test('pushes and pulls without a login', async () => {
      const reference = `${context.registry.host}/team/engine:v1`;
      const layer = await writeLayer(context.scratch.path, 'engine.tar', await greetingFiles('engine'));
      await docker.cli('import', layer, reference);
      const push = await docker.cli('push', reference);
      expect(push.stdout).toMatch(/v1: digest: sha256:[0-9a-f]{64} size: \d+/);
      await docker.cli('rmi', reference);
      await docker.cli('pull', reference);
      await context.clients.crane('validate', '--remote', reference);
    });

    test('sends shared layers once: they exist already, or are mounted from the other repository', async () => {
      const { host } = context.registry;
      await docker.cli('tag', `${host}/team/engine:v1`, `${host}/team/engine:v2`);
      expect((await docker.cli('push', `${host}/team/engine:v2`)).stdout).toMatch(
        /Layer already exists|Already exists/i,
      );
      await docker.cli('tag', `${host}/team/engine:v1`, `${host}/elsewhere/engine:v1`);
      expect((await docker.cli('push', `${host}/elsewhere/engine:v1`)).stdout).toMatch(
        /Mounted from|already exists/i,
      );
      await context.clients.crane('validate', '--remote', `${host}/elsewhere/engine:v1`);
    });

    test('pulls its own platform of an index, or the one it is asked for', async () => {
      const reference = `${context.registry.host}/team/multi:v1`;
      await pushMultiArch(context.clients, { folder: context.scratch.path, reference, text: 'multi' });
      await docker.cli('pull', reference);
      await docker.cli('pull', '--platform', 'linux/arm64', reference);
    });
  },
);
