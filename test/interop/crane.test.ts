import { expect, test } from 'vitest';
import { pushGreeting, pushMultiArch, writeLayer } from '../support/images.ts';
import { interopSuite } from '../support/interop-suite.ts';

interopSuite('crane', ['crane', 'busybox'], (context) => {
  test('appends layers to an image, which validates byte by byte', async () => {
    const { clients, registry, scratch } = context;
    const reference = `${registry.host}/team/appended:v1`;
    await pushGreeting(clients, { folder: scratch.path, reference, text: 'hello' });
    const layer = await writeLayer(scratch.path, 'more.tar', [
      { name: 'more', content: Buffer.alloc(3_000_000, 'm') },
    ]);
    await clients.crane(
      'append',
      '--base',
      reference,
      '--new_layer',
      layer,
      '--new_tag',
      `${registry.host}/team/appended:v2`,
    );
    const { output } = await clients.crane('validate', '--remote', `${registry.host}/team/appended:v2`);
    expect(output).toContain('PASS');
    const { stdout } = await clients.crane('ls', `${registry.host}/team/appended`);
    expect(stdout.trim().split('\n')).toEqual(['v1', 'v2']);
  });

  test('copies an image to another repository, which mounts its blobs', async () => {
    const { clients, registry, scratch } = context;
    const from = `${registry.host}/team/source:v1`;
    const digest = await pushGreeting(clients, { folder: scratch.path, reference: from, text: 'copied' });
    const { output } = await clients.crane('copy', from, `${registry.host}/other/copy:v1`);
    expect(output).toContain('mounted blob');
    expect((await clients.crane('digest', `${registry.host}/other/copy:v1`)).stdout.trim()).toBe(digest);
    await clients.crane('validate', '--remote', `${registry.host}/other/copy:v1`);
  });

  test('makes an index and pulls one platform of it', async () => {
    const { clients, registry, scratch } = context;
    const reference = `${registry.host}/team/multi:v1`;
    await pushMultiArch(clients, { folder: scratch.path, reference, text: 'many' });
    await clients.crane('validate', '--remote', reference);
    await clients.crane(
      'pull',
      '--platform',
      'linux/arm64',
      '--format',
      'oci',
      reference,
      scratch.at('pulled'),
    );
    const { stdout } = await clients.crane('export', '--platform', 'linux/arm64', reference, '-');
    expect(stdout).toContain('many on linux/arm64');
  });

  test('deletes a manifest, and with it the tags on it', async () => {
    const { clients, registry, scratch } = context;
    const repository = `${registry.host}/team/deleted`;
    const digest = await pushGreeting(clients, {
      folder: scratch.path,
      reference: `${repository}:v1`,
      text: 'gone',
    });
    await clients.crane('tag', `${repository}:v1`, 'v2');
    await clients.crane('delete', `${repository}@${digest}`);
    const { code, output } = await clients.crane.attempt('manifest', `${repository}:v2`);
    expect(code).not.toBe(0);
    expect(output).toContain('MANIFEST_UNKNOWN');
  });

  test('lists repositories', async () => {
    const { clients, registry } = context;
    const { stdout } = await clients.crane('catalog', registry.host);
    expect(stdout.trim().split('\n')).toEqual(
      expect.arrayContaining(['other/copy', 'team/appended', 'team/multi']),
    );
  });
});
