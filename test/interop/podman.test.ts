import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { greetingFiles, pushGreeting, writeLayer } from '../support/images.ts';
import { interopSuite } from '../support/interop-suite.ts';

interopSuite('podman', ['podman', 'crane', 'busybox', 'root'], (context) => {
  test('imports an image, pushes it, and pulls it back after removing it', async () => {
    const { clients, registry, scratch } = context;
    const reference = `${registry.host}/team/podman:v1`;
    const layer = await writeLayer(scratch.path, 'podman.tar', await greetingFiles('from podman'));
    await clients.podman('import', layer, reference);
    await clients.podman('push', '--tls-verify=false', reference);
    await clients.podman('rmi', reference);
    await clients.podman('pull', '--tls-verify=false', reference);
    await clients.crane('validate', '--remote', reference);
    expect((await clients.crane('export', reference, '-')).stdout).toContain('from podman');
  });

  test('builds on an image of the registry and pushes only what is new', async () => {
    const { clients, registry, scratch } = context;
    const base = `${registry.host}/team/base:v1`;
    const built = `${registry.host}/team/built:v1`;
    await pushGreeting(clients, { folder: scratch.path, reference: base, text: 'base' });
    await writeFile(
      scratch.at('Containerfile'),
      `FROM ${base}
COPY Containerfile /more
`,
    );
    const options = ['--tls-verify=false', '--isolation', 'chroot', '--tag', built];
    await clients.podman('build', ...options, '--file', scratch.at('Containerfile'), scratch.path);
    await clients.podman('push', '--tls-verify=false', built);
    await clients.crane('validate', '--remote', built);
    const layers = async (reference: string): Promise<{ digest: string }[]> =>
      JSON.parse((await clients.crane('manifest', reference)).stdout).layers;
    expect((await layers(built))[0]).toEqual((await layers(base))[0]);
  });

  test('pushes a manifest list', async () => {
    const { clients, registry, scratch } = context;
    const part = `${registry.host}/team/part:v1`;
    await pushGreeting(clients, { folder: scratch.path, reference: part, text: 'part' });
    await clients.podman('manifest', 'create', 'localhost/list');
    await clients.podman('manifest', 'add', '--tls-verify=false', 'localhost/list', `docker://${part}`);
    const to = `docker://${registry.host}/team/list:v1`;
    await clients.podman('manifest', 'push', '--tls-verify=false', '--all', 'localhost/list', to);
    await clients.crane('validate', '--remote', `${registry.host}/team/list:v1`);
  });
});
