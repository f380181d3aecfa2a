import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importNodeImage } from '../support/base-image.ts';
import { type Clients, clientsIn } from '../support/clients.ts';
import { describeWith } from '../support/describe-with.ts';
import { CLASSIC_DOCKER, type Docker, startDockerClassic } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { pushGreeting } from '../support/images.ts';
import { run } from '../support/run.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';

const source = fileURLToPath(new URL('../..', import.meta.url));
const image = 'fairlead:test';

describeWith(['crane', 'busybox', 'debootstrap', ...CLASSIC_DOCKER], 'the container image', () => {
  const held = new AsyncDisposableStack();
  let scratch: Scratch;
  let docker: Docker;
  let clients: Clients;
  beforeAll(async () => {
    scratch = held.use(makeScratch());
    clients = clientsIn(scratch.path);
    docker = held.use(await startDockerClassic({ folder: scratch.path }));
    await importNodeImage(docker, { folder: scratch.at('base'), name: 'node:24-bookworm-slim' });
    const registry = (await run('npm', ['config', 'get', 'registry'])).stdout.trim();
    const classic = docker.cli.with({ env: { ...clients.env, DOCKER_BUILDKIT: '0' }, timeout: 280_000 });
    const from = ['--build-arg', `NPM_CONFIG_REGISTRY=${registry}`];
    await classic('build', '--network', 'host', ...from, '--tag', image, source);
  }, 600_000);
  afterAll(() => held.disposeAsync());

  /** Runs a container that serves on a port of the loopback, with this machine's network, and removes it. */
  const serve = async (options: readonly string[], command: readonly string[] = []) => {
    const host = `127.0.0.1:${await freePort()}`;
    const settings = [`REGISTRY_HTTP_ADDR=${host}`, 'REGISTRY_STORAGE_DELETE_ENABLED=true'];
    const env = settings.flatMap((setting) => ['--env', setting]);
    const started = await docker.cli(
      'run',
      '--detach',
      '--network',
      'host',
      ...env,
      ...options,
      image,
      ...command,
    );
    const id = started.stdout.trim();
    const remove = async () => {
      await docker.cli('rm', '--force', id);
    };
    try {
      await eventually('the container answers', {
        within: 30_000,
        holds: async () => (await fetch(`http://${host}/v2/`).catch(() => undefined))?.status === 200,
      });
    } catch (cause) {
      const { output } = await docker.cli.attempt('logs', id);
      await remove();
      throw new Error(`the container said: ${output}`, { cause });
    }
    return { host, id, [Symbol.asyncDispose]: remove };
  };

  const push = (host: string) =>
    pushGreeting(clients, { folder: scratch.path, reference: `${host}/team/app:v1`, text: 'contained' });

  test('serves a volume, ends with 0 on docker stop, and serves it again', async () => {
    const volume = ['--volume', 'data:/var/lib/registry'];
    await using first = await serve(volume);
    const digest = await push(first.host);
    await docker.cli('stop', first.id);
    const ended = await docker.cli('inspect', '--format', '{{.State.ExitCode}}', first.id);
    expect(ended.stdout.trim()).toBe('0');
    await using second = await serve(volume);
    expect((await clients.crane('digest', `${second.host}/team/app:v1`)).stdout.trim()).toBe(digest);
    await clients.crane('validate', '--remote', `${second.host}/team/app:v1`);
  });

  test.each(['/etc/distribution/config.yml', '/etc/docker/registry/config.yml'])(
    'takes the configuration where distribution has it, %s',
    async (path) => {
      const file = scratch.at('config.yml');
      await writeFile(
        file,
        'version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /elsewhere\n  delete:\n    enabled: true\n',
      );
      await mkdir(scratch.at('elsewhere'), { recursive: true });
      const volumes = ['--volume', `${file}:${path}:ro`, '--volume', `${scratch.at('elsewhere')}:/elsewhere`];
      await using container = await serve(volumes);
      await push(container.host);
      await run('test', ['-d', scratch.at('elsewhere/docker/registry/v2/repositories/team/app')]);
    },
  );

  test('takes the command lines of the images of distribution', async () => {
    const file = scratch.at('lines.yml');
    await writeFile(file, 'version: 0.1\nstorage: {inmemory: {}}\nhttp: {addr: 127.0.0.1:0}\n');
    const volume = ['--volume', `${file}:/etc/distribution/config.yml:ro`];
    await using registry = await serve(volume, ['serve', '/etc/distribution/config.yml']);
    await push(registry.host);
    const entry = [...volume, '--entrypoint', '/entrypoint.sh'];
    await using script = await serve(entry, ['/etc/distribution/config.yml']);
    await push(script.host);
  });

  test('runs as somebody else on a folder of theirs', async () => {
    const folder = scratch.at('theirs');
    await mkdir(folder);
    await run('chown', ['1234:1234', folder]);
    const theirs = ['--user', '1234:1234', '--volume', `${folder}:/var/lib/registry`];
    await using container = await serve(theirs);
    await push(container.host);
  });
});
