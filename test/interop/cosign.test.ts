import { beforeAll, expect, test } from 'vitest';
import { pushGreeting } from '../support/images.ts';
import { interopSuite } from '../support/interop-suite.ts';

const insecure = ['--allow-insecure-registry', '--allow-http-registry'];

interopSuite('cosign', ['cosign', 'crane', 'busybox'], (context) => {
  beforeAll(async () => {
    await context.clients.cosign.with({ cwd: context.scratch.path })('generate-key-pair');
  });

  test('signs an image, and verifies it by the public key', async () => {
    const { clients, registry, scratch } = context;
    const cosign = clients.cosign.with({ cwd: scratch.path });
    const name = `${registry.host}/team/signed`;
    const digest = await pushGreeting(clients, {
      folder: scratch.path,
      reference: `${name}:v1`,
      text: 'signed',
    });
    await cosign(
      'sign',
      '--key',
      'cosign.key',
      '--tlog-upload=false',
      '--use-signing-config=false',
      '--yes',
      ...insecure,
      `${name}@${digest}`,
    );
    const check = ['verify', '--key', 'cosign.pub', '--insecure-ignore-tlog', ...insecure];
    expect((await cosign(...check, `${name}:v1`)).output).toContain('The signatures were verified');
    const other = `${registry.host}/team/unsigned:v1`;
    await pushGreeting(clients, { folder: scratch.path, reference: other, text: 'unsigned' });
    expect((await cosign.attempt(...check, other)).code).not.toBe(0);
  });
});
