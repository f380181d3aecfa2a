import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { client } from '../support/client.ts';
import { type Clients, clientsIn } from '../support/clients.ts';
import { describeWith } from '../support/describe-with.ts';
import { CLASSIC_DOCKER, DOCKER_ENGINE, startDockerClassic, startDockerEngine } from '../support/docker.ts';
import { documentText } from '../support/document.ts';
import { freePort } from '../support/free-port.ts';
import { type MirrorSetup, PULLER, startMirrorSetup } from '../support/mirror-setup.ts';
import { startProgram } from '../support/program.ts';
import { type RegistryConfig, type RegistryServer, startRegistry } from '../support/registry-server.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { SELF_SIGNED_CERTIFICATE, SELF_SIGNED_KEY } from '../support/self-signed.ts';
import { type Tool, toolPath } from '../support/tools.ts';
import { ForwardProxy } from '../support/upstream/forward-proxy.ts';

const IMAGES = [
  'dockerhub.mirror.example/library/hello:v1',
  'gcr.mirror.example/google_containers/pause:v1',
  'quay.mirror.example/deis/go-dev:v1',
] as const;

const TOOLS: readonly Tool[] = [
  'docker-registry',
  'distribution',
  'nginx',
  'crane',
  'skopeo',
  'htpasswd',
  'busybox',
];

/** The example as it stands, but for where its upstreams are, where it listens and where it stores. */
async function startAccelerator(
  scratch: Scratch,
  { it, more }: { readonly it: MirrorSetup; readonly more: RegistryConfig },
): Promise<RegistryServer> {
  const example = parse(documentText('config/examples/accelerator.yml'));
  const port = await freePort();
  const directory = scratch.at(`accelerator-${port}`);
  mkdirSync(directory);
  const account = { username: PULLER.name, password: PULLER.password };
  const places: Readonly<Record<string, object>> = {
    'docker.io': { urls: [it.hub.url] },
    'quay.io': { urls: [it.quay.url], ...account },
    'gcr.io': { urls: [it.gcr.url], ...account },
  };
  const upstreams = example.mirror.upstreams.map((upstream: { name: string }) => ({
    ...upstream,
    ...places[upstream.name],
  }));
  const http = { ...example.http, addr: `127.0.0.1:${port}` };
  return await startRegistry({
    kind: 'fairlead',
    directory,
    port,
    config: { http, mirror: { upstreams }, ...more },
  });
}

/** The server of the document, in a whole configuration that needs no more than this folder. */
async function startNginx(
  scratch: Scratch,
  behind: RegistryServer,
): Promise<AsyncDisposable & { readonly port: number }> {
  const port = await freePort();
  const home = scratch.at(`nginx-${port}`);
  mkdirSync(home);
  writeFileSync(`${home}/tls.crt`, SELF_SIGNED_CERTIFICATE);
  writeFileSync(`${home}/tls.key`, SELF_SIGNED_KEY);
  const server = documentText('docs/accelerator-nginx.conf')
    .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    .replace('/etc/nginx/tls/mirror.example.crt', `${home}/tls.crt`)
    .replace('/etc/nginx/tls/mirror.example.key', `${home}/tls.key`)
    .replace('127.0.0.1:5000', behind.host);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${home}/${name};`)
    .join(' ');
  writeFileSync(
    `${home}/nginx.conf`,
    `daemon off; pid ${home}/pid; error_log ${home}/error.log; worker_processes 1;\n` +
      `events {}\nhttp {\n access_log off; ${temporary}\n${server}}\n`,
  );
  const program = await startProgram(toolPath('nginx'), ['-p', home, '-c', `${home}/nginx.conf`], {
    ready: async () => (await fetch(`http://127.0.0.1:${port}/`)).status === 400,
  });
  return Object.assign(program, { port });
}

describeWith(TOOLS, 'an accelerator with a host name for each registry, behind nginx with TLS', () => {
  const held = new AsyncDisposableStack();
  let scratch: Scratch;
  let clients: Clients;
  let it: MirrorSetup;
  /** The environment of a program for which the host names lead to nginx, and whose certificate is right. */
  let env: (more?: RegistryConfig) => Promise<NodeJS.ProcessEnv>;
  beforeAll(async () => {
    scratch = held.use(makeScratch());
    clients = clientsIn(scratch.path);
    it = await startMirrorSetup(held, { scratch, clients });
    writeFileSync(scratch.at('ca.pem'), SELF_SIGNED_CERTIFICATE);
    env = async (more = {}) => {
      const accelerator = held.use(await startAccelerator(scratch, { it, more }));
      const nginx = held.use(await startNginx(scratch, accelerator));
      const names = held.use(await ForwardProxy.start(nginx));
      return { HTTPS_PROXY: `http://${names.host}`, SSL_CERT_FILE: scratch.at('ca.pem') };
    };
  });
  afterAll(() => held.disposeAsync());

  test('gives crane and skopeo every byte', async () => {
    const there = { ...clients.env, ...(await env()) };
    const crane = client('crane', { env: there });
    for (const image of IMAGES) {
      await crane('validate', '--remote', image);
      await clients.skopeo.with({ env: there })('inspect', '--raw', `docker://${image}`);
    }
    expect((await crane('digest', IMAGES[0])).stdout.trim()).toBe(it.hello);
    const pushed = await crane.attempt('copy', IMAGES[0], 'dockerhub.mirror.example/team/app:v1');
    expect(pushed.output).toContain('DENIED');
  });

  test('lets anybody pull where there is a login, by tokens of the host asked', async () => {
    const users = scratch.at('users');
    writeFileSync(users, '# nobody\n');
    const there = { ...clients.env, ...(await env({ auth: { builtin: { users } } })) };
    const crane = client('crane', { env: there });
    for (const image of IMAGES) await crane('validate', '--remote', image);
  });

  describeWith([...CLASSIC_DOCKER, ...DOCKER_ENGINE], 'asked by docker', () => {
    test.each([
      ['20.10', startDockerClassic],
      ['Engine 29', startDockerEngine],
    ])('%s pulls by each name', async (_, start) => {
      await using docker = await start({ folder: scratch.path, env: await env() });
      for (const image of IMAGES) await docker.cli('pull', image);
      expect((await docker.cli('images', '--digests')).stdout).toContain(it.hello);
    });
  });
});
