import { beforeAll, expect, test } from 'vitest';
import type { Clients } from '../support/clients.ts';
import {
  CLASSIC_DOCKER,
  type Docker,
  type DockerOptions,
  startDockerClassic,
  startDockerEngine,
} from '../support/docker.ts';
import { greetingFiles, pushGreeting, writeLayer } from '../support/images.ts';
import { type LoginContext, loginSuite, setPassword } from '../support/login-suite.ts';

function dockerTests(context: LoginContext, start: (options: DockerOptions) => Promise<Docker>): void {
  let docker: Docker;
  let root: Clients;

  beforeAll(async () => {
    docker = context.use(await start({ folder: context.scratch.path }));
    root = context.clientsOf('root');
    await root.crane('auth', 'login', context.registry.host, '-u', 'root', '-p', 'root-secret');
  });

  const login = (user: string, password: string) =>
    docker.cli
      .with({ input: password })
      .attempt('login', '-u', user, '--password-stdin', context.registry.host);

  const image = async (reference: string, text: string): Promise<string> => {
    const layer = await writeLayer(context.scratch.path, `${text}.tar`, await greetingFiles(text));
    await docker.cli('import', layer, reference);
    return reference;
  };

  test('logs in with the right password alone', async () => {
    expect((await login('alice', 'wrong')).output).toContain('unauthorized: wrong name or password');
    expect((await login('nobody', 'alice-secret')).output).toContain('unauthorized: wrong name or password');
    expect((await login('alice', 'alice-secret')).output).toContain('Login Succeeded');
  });

  test('pushes to its own namespace, and not to a foreign one', async () => {
    const { host } = context.registry;
    await login('alice', 'alice-secret');
    const own = await image(`${host}/alice/app:v1`, 'own');
    await docker.cli('push', own);
    await root.crane('validate', '--remote', own);
    await docker.cli('tag', own, `${host}/bob/app:v1`);
    const denied = await docker.cli.attempt('push', `${host}/bob/app:v1`);
    expect(denied.code).not.toBe(0);
    expect(denied.output).toMatch(/denied|unauthorized|authorization failed|insufficient_scope/);
    expect((await root.crane.attempt('digest', `${host}/bob/app:v1`)).code).not.toBe(0);
  });

  test('mounts a layer from another repository of its own', async () => {
    const { host } = context.registry;
    await login('alice', 'alice-secret');
    const one = await image(`${host}/alice/one:v1`, 'mounted');
    await docker.cli('push', one);
    await docker.cli('tag', one, `${host}/alice/two:v1`);
    const push = await docker.cli('push', `${host}/alice/two:v1`);
    expect(push.output).toMatch(/Mounted from alice\/(?:one|app)/);
    await root.crane('validate', '--remote', `${host}/alice/two:v1`);
  });

  test('sends the bytes where it may not read the repository they could be mounted from', async () => {
    const { host } = context.registry;
    const reference = `${host}/bob/secret:v1`;
    await login('bob', 'bob-secret');
    await docker.cli('push', await image(reference, 'foreign'));
    await login('alice', 'alice-secret');
    await docker.cli('tag', reference, `${host}/alice/taken:v1`);
    const push = await docker.cli('push', `${host}/alice/taken:v1`);
    expect(push.output).not.toContain('Mounted from bob');
    await root.crane('validate', '--remote', `${host}/alice/taken:v1`);
  });

  test('goes on without the password until that changes', async () => {
    const { registry } = context;
    const { host } = registry;
    await login('alice', 'alice-secret');
    await docker.cli('push', await image(`${host}/alice/later:v1`, 'later'));
    await docker.cli('pull', `${host}/alice/later:v1`);
    const change = (password: string) =>
      setPassword(registry, { command: 'passwd', name: 'alice', password });
    await change('changed');
    // With Engine 29 the command line asks for another login, and would wait for it.
    const impatient = docker.cli.with({ timeout: 10_000 });
    const ended = await impatient.attempt('pull', `${host}/alice/later:v1`);
    expect(ended.output).toMatch(/unauthorized: the login has ended|Login prior to pull/);
    expect((await login('alice', 'changed')).output).toContain('Login Succeeded');
    await docker.cli('pull', `${host}/alice/later:v1`);
    await change('alice-secret');
  });

  test('pulls without a login what anybody may, and nothing else', async () => {
    const { host } = context.registry;
    for (const name of ['public/app', 'bob/private']) {
      const options = { folder: context.scratch.path, reference: `${host}/${name}:v1`, text: name };
      await pushGreeting(root, options);
    }
    await docker.cli('logout', host);
    await docker.cli('pull', `${host}/public/app:v1`);
    const denied = await docker.cli.attempt('pull', `${host}/bob/private:v1`);
    expect(denied.code).not.toBe(0);
    expect(denied.output).toMatch(/unauthorized|denied|insufficient_scope|authorization failed/);
  });

  test('searches what anybody may pull, and with a login what it may pull itself', async () => {
    const { host } = context.registry;
    await docker.cli('logout', host);
    const anonymous = await docker.cli('search', `${host}/app`);
    expect(anonymous.stdout).toContain('public/app');
    expect(anonymous.stdout).not.toContain('alice/app');
    await login('alice', 'alice-secret');
    const own = await docker.cli('search', `${host}/app`);
    expect(own.stdout).toContain('public/app');
    expect(own.stdout).toContain('alice/app');
    expect(own.stdout).not.toContain('bob/');
  });
}

loginSuite('docker 20.10 with a login', ['crane', 'busybox', ...CLASSIC_DOCKER], (context) =>
  dockerTests(context, startDockerClassic),
);

loginSuite(
  'Docker Engine 29 with a login',
  ['dockerd-engine', 'containerd', 'docker', 'ctr', 'crane', 'busybox', 'root'],
  (context) => dockerTests(context, startDockerEngine),
);
