import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { interopSuite } from '../support/interop-suite.ts';

interopSuite('helm', ['helm'], (context) => {
  test('pushes a chart, shows it, and pulls it back byte for byte', async () => {
    const { clients, registry, scratch } = context;
    const helm = clients.helm.with({ cwd: scratch.path });
    await helm('create', 'demo');
    await helm('package', 'demo', '--version', '1.2.3+build.4');
    const push = await helm(
      'push',
      'demo-1.2.3+build.4.tgz',
      `oci://${registry.host}/charts`,
      '--plain-http',
    );
    expect(push.output).toMatch(/Digest: sha256:[0-9a-f]{64}/);
    const chart = [`oci://${registry.host}/charts/demo`, '--version', '1.2.3+build.4', '--plain-http'];
    expect((await helm('show', 'chart', ...chart)).stdout).toContain('version: 1.2.3+build.4');
    await helm('pull', ...chart, '--destination', 'home');
    const [sent, got] = await Promise.all(
      ['demo-1.2.3+build.4.tgz', 'home/demo-1.2.3+build.4.tgz'].map((name) => readFile(scratch.at(name))),
    );
    expect(got).toEqual(sent);
  });

  test('finds the newest version of a chart by its tags', async () => {
    const { clients, registry, scratch } = context;
    const helm = clients.helm.with({ cwd: scratch.path });
    await helm('create', 'versions');
    for (const version of ['1.0.0', '1.10.0', '1.9.0']) {
      await helm('package', 'versions', '--version', version);
      await helm('push', `versions-${version}.tgz`, `oci://${registry.host}/charts`, '--plain-http');
    }
    const shown = await helm('show', 'chart', `oci://${registry.host}/charts/versions`, '--plain-http');
    expect(shown.stdout).toContain('version: 1.10.0');
  });
});
