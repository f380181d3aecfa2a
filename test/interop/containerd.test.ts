import { beforeAll, expect, test } from 'vitest';
import { type Client, client } from '../support/client.ts';
import { startContainerd } from '../support/docker.ts';
import { pushGreeting, pushMultiArch } from '../support/images.ts';
import { interopSuite } from '../support/interop-suite.ts';
import { toolPath } from '../support/tools.ts';

interopSuite('containerd', ['containerd', 'ctr', 'crane', 'busybox', 'root'], (context) => {
  let ctr: Client;
  beforeAll(async () => {
    const { env } = context.clients;
    const containerd = context.use(
      await startContainerd(toolPath('containerd'), { folder: context.scratch.path, env }),
    );
    ctr = client('ctr', { env, first: ['--address', containerd.socket] });
  });

  const pull = (...args: string[]) =>
    ctr('images', 'pull', '--plain-http', '--local', '--snapshotter', 'native', ...args);

  test('pulls an image and pushes it under another name', async () => {
    const { clients, registry, scratch } = context;
    const reference = `${registry.host}/team/ctr:v1`;
    const digest = await pushGreeting(clients, { folder: scratch.path, reference, text: 'ctr' });
    await pull(reference);
    const other = `${registry.host}/team/ctr-pushed:v1`;
    await ctr('images', 'tag', reference, other);
    await ctr('images', 'push', '--plain-http', other);
    expect((await clients.crane('digest', other)).stdout.trim()).toBe(digest);
    await clients.crane('validate', '--remote', other);
  });

  test('pulls and pushes an index with all its platforms', async () => {
    const { clients, registry, scratch } = context;
    const reference = `${registry.host}/team/ctr-multi:v1`;
    const digest = await pushMultiArch(clients, { folder: scratch.path, reference, text: 'all' });
    await pull('--all-platforms', reference);
    const other = `${registry.host}/elsewhere/ctr-multi:v1`;
    await ctr('images', 'tag', reference, other);
    await ctr('images', 'push', '--plain-http', other);
    expect((await clients.crane('digest', other)).stdout.trim()).toBe(digest);
    await clients.crane('validate', '--remote', other);
  });
});
