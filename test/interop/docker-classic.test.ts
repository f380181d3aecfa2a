import { mkdir, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { CLASSIC_DOCKER, type Docker, startDockerClassic } from '../support/docker.ts';
import { greetingFiles, writeLayer } from '../support/images.ts';
import { interopSuite } from '../support/interop-suite.ts';

interopSuite('docker 20.10', ['crane', 'busybox', ...CLASSIC_DOCKER], (context) => {
  let docker: Docker;
  let base: string;
  beforeAll(async () => {
    docker = context.use(await startDockerClassic({ folder: context.scratch.path }));
    base = `${context.registry.host}/team/base:v1`;
    const layer = await writeLayer(
      context.scratch.path,
      'base.tar',
      await greetingFiles('hello from the base'),
    );
    await docker.cli('import', layer, base);
  });

  const build = async (reference: string, dockerfile: string) => {
    const folder = context.scratch.at('build');
    await mkdir(folder, { recursive: true });
    await writeFile(`${folder}/Dockerfile`, dockerfile);
    const classic = docker.cli.with({ env: { ...context.clients.env, DOCKER_BUILDKIT: '0' } });
    await classic('build', '--network', 'host', '--tag', reference, folder);
  };

  test('pushes and pulls without a login', async () => {
    const push = await docker.cli('push', base);
    expect(push.stdout).toMatch(/v1: digest: sha256:[0-9a-f]{64} size: \d+/);
    await docker.cli('rmi', base);
    const pull = await docker.cli('pull', base);
    expect(pull.stdout).toContain('Downloaded newer image');
    await context.clients.crane('validate', '--remote', base);
  });

  test('runs a pushed image that was built on it', async () => {
    const built = `${context.registry.host}/team/built:v1`;
    await build(built, `FROM ${base}\nRUN echo built here > /made\nCMD ["/bin/cat", "/greeting", "/made"]\n`);
    await docker.cli('push', built);
    await docker.cli('rmi', built);
    const ran = await docker.cli('run', '--rm', '--network', 'host', built);
    expect(ran.stdout).toBe('hello from the base\nbuilt here\n');
  });

  test('sends shared layers once: they exist already, or are mounted from the other repository', async () => {
    const { host } = context.registry;
    await build(`${host}/team/shared:v2`, `FROM ${base}\nCOPY Dockerfile /two\n`);
    await docker.cli('push', `${host}/team/shared:v2`);
    await build(`${host}/team/shared:v3`, `FROM ${host}/team/shared:v2\nCOPY Dockerfile /three\n`);
    const again = await docker.cli('push', `${host}/team/shared:v3`);
    expect(again.stdout).toContain('Layer already exists');
    await docker.cli('tag', `${host}/team/shared:v3`, `${host}/elsewhere/shared:v3`);
    const mounted = await docker.cli('push', `${host}/elsewhere/shared:v3`);
    expect(mounted.stdout).toMatch(/Mounted from team\//);
    expect(mounted.stdout).not.toContain('Pushed');
    await context.clients.crane('validate', '--remote', `${host}/elsewhere/shared:v3`);
  });

  test('pulls by digest', async () => {
    const { stdout } = await context.clients.crane('digest', base);
    const name = `${context.registry.host}/team/base@${stdout.trim()}`;
    await docker.cli('pull', name);
    expect(
      (await docker.cli('run', '--rm', '--network', 'host', name, '/bin/cat', '/greeting')).stdout,
    ).toContain('hello');
  });

  test('is told that an image is not there', async () => {
    const { code, output } = await docker.cli.attempt('pull', `${context.registry.host}/team/base:nowhere`);
    expect(code).not.toBe(0);
    expect(output).toMatch(/manifest .*nowhere.*(unknown|not found)/i);
  });
});
