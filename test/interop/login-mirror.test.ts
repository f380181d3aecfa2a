import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { client } from '../support/client.ts';
import { clientsIn } from '../support/clients.ts';
import { describeWith } from '../support/describe-with.ts';
import {
  CLASSIC_DOCKER,
  DOCKER_ENGINE,
  type Docker,
  type DockerOptions,
  startContainerd,
  startDockerClassic,
  startDockerEngine,
} from '../support/docker.ts';
import { pushGreeting } from '../support/images.ts';
import { setPassword } from '../support/login-suite.ts';
import { type RegistryServer, startRegistry } from '../support/registry-server.ts';
import { makeScratch } from '../support/scratch.ts';
import { type Tool, toolPath } from '../support/tools.ts';

const TOOLS: readonly Tool[] = ['crane', 'busybox', ...CLASSIC_DOCKER, ...DOCKER_ENGINE];

/** A daemon cannot log in to a mirror, and sends it a person's login at Docker Hub. */
describeWith(TOOLS, 'a mirror with the built-in login', () => {
  const held = new AsyncDisposableStack();
  const scratch = held.use(makeScratch());
  let mirror: RegistryServer;

  beforeAll(async () => {
    const upstream = held.use(await startRegistry({ kind: 'fairlead', directory: scratch.at('upstream') }));
    const clients = clientsIn(scratch.at('pusher'));
    await mkdir(scratch.at('layers'));
    for (const name of ['library/hello', 'team/app', 'library/other']) {
      const reference = `${upstream.host}/${name}:v1`;
      await pushGreeting(clients, { folder: scratch.at('layers'), reference, text: name });
    }
    const config = {
      auth: { builtin: { users: scratch.at('users') } },
      mirror: { upstreams: [{ name: 'docker.io', urls: [upstream.url] }] },
    };
    mirror = held.use(await startRegistry({ kind: 'fairlead', directory: scratch.at('mirror'), config }));
    await setPassword(mirror, { command: 'add', name: 'alice', password: 'alice-secret' });
  });
  afterAll(() => held.disposeAsync());

  const withHubLogin = async (docker: Docker, folder: string): Promise<Docker['cli']> => {
    await mkdir(scratch.at(folder));
    const auth = Buffer.from('hubuser:hubsecret').toString('base64');
    const logins = { auths: { 'https://index.docker.io/v1/': { auth } } };
    await writeFile(scratch.at(folder, 'config.json'), JSON.stringify(logins));
    return docker.cli.with({ env: { ...process.env, DOCKER_CONFIG: scratch.at(folder) } });
  };

  test.each([
    ['20.10', startDockerClassic],
    ['29', startDockerEngine],
  ] as const)('serves docker %s with and without a login at Docker Hub', async (version, start) => {
    const options: DockerOptions = { folder: scratch.at(version), mirrors: [mirror.url] };
    await using docker = await start(options);
    await docker.cli('pull', 'hello:v1');
    const cli = await withHubLogin(docker, `hub-${version}`);
    await cli('pull', 'team/app:v1');
    // What it has to say is there when it has ended.
    await mirror.stop();
    const said = mirror.output();
    await mirror.start();
    expect(said).not.toMatch(/hubsecret|login refused/);
  });

  test('serves containerd by ns, and crane by name and by prefix, without a login', async () => {
    const { env, crane } = clientsIn(scratch.at('nobody'));
    await using containerd = await startContainerd(toolPath('containerd'), {
      folder: scratch.at('nobody'),
      env,
    });
    const hosts = scratch.at('hosts', 'docker.io');
    await mkdir(hosts, { recursive: true });
    const entry = `[host."${mirror.url}"]\n  capabilities = ["pull", "resolve"]\n`;
    await writeFile(join(hosts, 'hosts.toml'), `server = "${mirror.url}"\n${entry}`);
    const ctr = client('ctr', { env, first: ['--address', containerd.socket] });
    const pull = ['images', 'pull', '--local', '--snapshotter', 'native', '--hosts-dir', scratch.at('hosts')];
    await ctr(...pull, 'docker.io/library/hello:v1');
    await crane('validate', '--remote', `${mirror.host}/library/other:v1`);
    await crane('validate', '--remote', `${mirror.host}/docker.io/library/other:v1`);
  });

  test('keeps what is pushed beside it for its owner', async () => {
    const alice = clientsIn(scratch.at('alice'));
    await alice.crane('auth', 'login', mirror.host, '-u', 'alice', '-p', 'alice-secret');
    const reference = `${mirror.host}/alice/app:v1`;
    await pushGreeting(alice, { folder: scratch.at('layers'), reference, text: 'mine' });
    await alice.crane('validate', '--remote', reference);
    const nobody = clientsIn(scratch.at('stranger'));
    expect((await nobody.crane.attempt('manifest', reference)).output).toMatch(/UNAUTHORIZED|DENIED/);
    const taken = await alice.crane.attempt('copy', reference, `${mirror.host}/docker.io/library/hello:v2`);
    expect(taken.output).toMatch(/UNAUTHORIZED|DENIED/);
  });
});
