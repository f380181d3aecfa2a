import { mkdir } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { type Client, client } from '../support/client.ts';
import type { Clients } from '../support/clients.ts';
import { startContainerd } from '../support/docker.ts';
import { greetingFiles, pushGreeting, writeLayer } from '../support/images.ts';
import { loginSuite } from '../support/login-suite.ts';
import { toolPath } from '../support/tools.ts';

loginSuite('crane with a login', ['crane', 'busybox'], (context) => {
  test('pushes to its own namespace, not to another, and mounts between its own', async () => {
    const { registry, scratch } = context;
    const alice = context.clientsOf('alice');
    await alice.crane('auth', 'login', registry.host, '-u', 'alice', '-p', 'alice-secret');
    const reference = `${registry.host}/alice/crane:v1`;
    await pushGreeting(alice, { folder: scratch.path, reference, text: 'crane' });
    await alice.crane('copy', reference, `${registry.host}/alice/other:v1`);
    await alice.crane('validate', '--remote', `${registry.host}/alice/other:v1`);
    const foreign = await alice.crane.attempt('copy', reference, `${registry.host}/bob/crane:v1`);
    expect(foreign.code).not.toBe(0);
    expect(foreign.output).toMatch(/unauthorized/i);
    expect((await alice.crane('catalog', registry.host)).stdout).toBe('alice/crane\nalice/other\n');
    await alice.crane(
      'delete',
      `${registry.host}/alice/other@${(await alice.crane('digest', reference)).stdout.trim()}`,
    );
  });

  test('pulls without a login what anybody may pull, and nothing else', async () => {
    const { registry, scratch } = context;
    const [root, nobody] = [context.clientsOf('root'), context.clientsOf('nobody')];
    await root.crane('auth', 'login', registry.host, '-u', 'root', '-p', 'root-secret');
    for (const name of ['public/app', 'alice/private']) {
      const reference = `${registry.host}/${name}:v1`;
      await pushGreeting(root, { folder: scratch.path, reference, text: name });
    }
    await nobody.crane('validate', '--remote', `${registry.host}/public/app:v1`);
    expect((await nobody.crane.attempt('manifest', `${registry.host}/alice/private:v1`)).code).not.toBe(0);
    await nobody.crane('auth', 'login', registry.host, '-u', 'bob', '-p', 'wrong');
    expect((await nobody.crane.attempt('manifest', `${registry.host}/public/app:v1`)).code).not.toBe(0);
  });
});

loginSuite('podman and skopeo with a login', ['podman', 'skopeo', 'crane', 'busybox', 'root'], (context) => {
  let alice: Clients;
  beforeAll(() => {
    alice = context.clientsOf('alice');
  });

  test('podman logs in with the right password alone, pushes, pulls, searches and logs out', async () => {
    const { registry, scratch } = context;
    const tls = '--tls-verify=false';
    const login = (password: string) =>
      alice.podman
        .with({ input: password })
        .attempt('login', tls, '-u', 'alice', '--password-stdin', registry.host);
    expect((await login('wrong')).output).toMatch(/invalid username\/password|unauthorized/i);
    expect((await login('alice-secret')).output).toContain('Login Succeeded');
    const reference = `${registry.host}/alice/podman:v1`;
    const layer = await writeLayer(scratch.path, 'podman.tar', await greetingFiles('podman'));
    await alice.podman('import', layer, reference);
    await alice.podman('push', tls, reference);
    const foreign = await alice.podman.attempt(
      'push',
      tls,
      reference,
      `docker://${registry.host}/bob/podman:v1`,
    );
    expect(foreign.code).not.toBe(0);
    await alice.podman('rmi', reference);
    await alice.podman('pull', tls, reference);
    expect((await alice.podman('search', tls, `${registry.host}/podman`)).stdout).toContain('alice/podman');
    await alice.podman('logout', registry.host);
    await alice.podman('rmi', reference);
    expect((await alice.podman.attempt('pull', tls, reference)).code).not.toBe(0);
  });

  test('skopeo copies, inspects and deletes', async () => {
    const { registry, scratch } = context;
    const credentials = (kind: string) => [
      `--${kind}-creds`,
      'alice:alice-secret',
      `--${kind}-tls-verify=false`,
    ];
    const own = context.clientsOf('skopeo');
    const crane = context.clientsOf('skopeo').crane;
    await crane('auth', 'login', registry.host, '-u', 'alice', '-p', 'alice-secret');
    const reference = `${registry.host}/alice/skopeo:v1`;
    await pushGreeting(own, { folder: scratch.path, reference, text: 'skopeo' });
    const copy = `docker://${registry.host}/alice/copy:v1`;
    await own.skopeo('copy', ...credentials('src'), ...credentials('dest'), `docker://${reference}`, copy);
    const once = ['--creds', 'alice:alice-secret', '--tls-verify=false'];
    expect((await own.skopeo('inspect', ...once, copy)).stdout).toContain('"Digest"');
    await own.skopeo('delete', ...once, copy);
    expect((await own.skopeo.attempt('inspect', ...once, copy)).code).not.toBe(0);
    const wrong = await own.skopeo.attempt(
      'inspect',
      '--creds',
      'alice:no',
      '--tls-verify=false',
      `docker://${reference}`,
    );
    expect(wrong.output).toMatch(/unauthorized|invalid username/i);
  });
});

loginSuite('regctl and helm with a login', ['regctl', 'helm', 'crane', 'busybox'], (context) => {
  test('regctl copies between repositories and deletes a tag', async () => {
    const { registry, scratch } = context;
    const alice = context.clientsOf('alice');
    await alice.regctl('registry', 'set', '--tls', 'disabled', registry.host);
    await alice.regctl.with({ input: 'alice-secret' })(
      'registry',
      'login',
      registry.host,
      '-u',
      'alice',
      '--pass-stdin',
    );
    await alice.crane('auth', 'login', registry.host, '-u', 'alice', '-p', 'alice-secret');
    const reference = `${registry.host}/alice/regctl:v1`;
    await pushGreeting(alice, { folder: scratch.path, reference, text: 'regctl' });
    await alice.regctl('image', 'copy', reference, `${registry.host}/alice/copy:v1`);
    expect(
      (await alice.regctl.attempt('image', 'copy', reference, `${registry.host}/bob/copy:v1`)).code,
    ).not.toBe(0);
    await alice.regctl('tag', 'delete', `${registry.host}/alice/copy:v1`);
    expect((await alice.regctl('tag', 'ls', `${registry.host}/alice/copy`)).stdout.trim()).toBe('');
  });

  test('helm logs in with the right password alone and pushes a chart', async () => {
    const { registry, scratch } = context;
    await mkdir(scratch.at('chart', 'home'), { recursive: true });
    const helm = context.clientsOf('helm').helm.with({ cwd: scratch.at('chart') });
    const login = ['registry', 'login', registry.host, '--plain-http', '-u', 'alice', '-p'];
    expect((await helm.attempt(...login, 'wrong')).code).not.toBe(0);
    await helm(...login, 'alice-secret');
    await helm('create', 'demo');
    await helm('package', 'demo', '--version', '1.0.0');
    await helm('push', 'demo-1.0.0.tgz', `oci://${registry.host}/alice`, '--plain-http');
    await helm(
      'pull',
      `oci://${registry.host}/alice/demo`,
      '--version',
      '1.0.0',
      '--plain-http',
      '-d',
      'home',
    );
    expect(
      (await helm.attempt('push', 'demo-1.0.0.tgz', `oci://${registry.host}/bob`, '--plain-http')).code,
    ).not.toBe(0);
  });
});

loginSuite('containerd with a login', ['containerd', 'ctr', 'crane', 'busybox', 'root'], (context) => {
  let ctr: Client;
  let alice: Clients;
  beforeAll(async () => {
    alice = context.clientsOf('alice');
    const { env } = alice;
    const containerd = await startContainerd(toolPath('containerd'), { folder: context.scratch.path, env });
    ctr = client('ctr', { env, first: ['--address', context.use(containerd).socket] });
  });

  test('pulls and pushes with --user', async () => {
    const { registry, scratch } = context;
    await alice.crane('auth', 'login', registry.host, '-u', 'alice', '-p', 'alice-secret');
    const reference = `${registry.host}/alice/ctr:v1`;
    await pushGreeting(alice, { folder: scratch.path, reference, text: 'ctr' });
    const user = ['--plain-http', '--user', 'alice:alice-secret'];
    await ctr('images', 'pull', '--local', '--snapshotter', 'native', ...user, reference);
    const copy = `${registry.host}/alice/ctr-copy:v1`;
    await ctr('images', 'tag', reference, copy);
    await ctr('images', 'push', ...user, copy);
    await alice.crane('validate', '--remote', copy);
    const foreign = `${registry.host}/bob/ctr:v1`;
    await ctr('images', 'tag', reference, foreign);
    expect((await ctr.attempt('images', 'push', ...user, foreign)).code).not.toBe(0);
    const wrong = ['--plain-http', '--user', 'alice:wrong'];
    expect((await ctr.attempt('images', 'push', ...wrong, copy)).code).not.toBe(0);
  });
});
