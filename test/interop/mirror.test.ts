import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, client } from '../support/client.ts';
import { type Clients, clientsIn } from '../support/clients.ts';
import { describeWith } from '../support/describe-with.ts';
import { startContainerd } from '../support/docker.ts';
import { atHost, snippetOf } from '../support/document.ts';
import { pushGreeting } from '../support/images.ts';
import { type MirrorSetup, startMirrorSetup } from '../support/mirror-setup.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { toolPath } from '../support/tools.ts';

describeWith(
  ['docker-registry', 'distribution', 'crane', 'skopeo', 'podman', 'htpasswd', 'busybox'],
  'a mirror, by its clients that name it',
  () => {
    const held = new AsyncDisposableStack();
    let scratch: Scratch;
    let clients: Clients;
    let it: MirrorSetup;
    beforeAll(async () => {
      scratch = held.use(makeScratch());
      clients = clientsIn(scratch.path);
      it = await startMirrorSetup(held, { scratch, clients });
    });
    afterAll(() => held.disposeAsync());

    test('crane reads every byte, by path prefix, bare name and Host', async () => {
      const { host, port } = it.mirror;
      for (const reference of [
        `${host}/docker.io/library/hello:v1`,
        `${host}/docker.io/hello:v1`,
        `${host}/hello:v1`,
        `${host}/library/hello:v1`,
      ]) {
        await clients.crane('validate', '--remote', reference);
        expect((await clients.crane('digest', reference)).stdout.trim()).toBe(it.hello);
      }
      await clients.crane('validate', '--remote', `${host}/gcr.io/google_containers/pause:v1`);
      await clients.crane('validate', '--remote', `${host}/quay.io/deis/go-dev:v1`);
      const byHost = await headOf(port, {
        host: 'quay.mirror.example',
        path: '/v2/deis/go-dev/manifests/v1',
      });
      expect(byHost).toBe((await clients.crane('digest', `${host}/quay.io/deis/go-dev:v1`)).stdout.trim());
    });

    test('skopeo reads by path prefix, and both by Host', async () => {
      const { host, port } = it.mirror;
      const skopeo = (reference: string) =>
        clients.skopeo('inspect', '--raw', '--tls-verify=false', `docker://${reference}`);
      const own = (await skopeo(`${it.hub.host}/library/hello:v1`)).stdout;
      for (const name of ['docker.io/library/hello', 'docker.io/hello', 'hello']) {
        expect((await skopeo(`${host}/${name}:v1`)).stdout).toBe(own);
      }
      // By this name of the machine the mirror is quay.io.
      const byHost = `localhost:${port}/deis/go-dev:v1`;
      await clients.crane('validate', '--remote', byHost);
      const byPath = (await skopeo(`${host}/quay.io/deis/go-dev:v1`)).stdout;
      expect((await skopeo(byHost)).stdout).toBe(byPath);
      await clients.skopeo(
        'copy',
        '--src-tls-verify=false',
        `docker://${byHost}`,
        `dir:${scratch.at('by-host')}`,
      );
    });

    test('skopeo and podman pull through registries.conf', async () => {
      const conf = scratch.at('mirrors.conf');
      writeFileSync(conf, atHost(snippetOf('docs/mirror.md', 'toml', '[[registry.mirror]]'), it.mirror.host));
      const to = `dir:${scratch.at('skopeo-out')}`;
      const { DOCKER_CONFIG: _, ...others } = clients.env;
      const env = { ...others, CONTAINERS_REGISTRIES_CONF: conf };
      // Not by the environment: skopeo reads that variable from 1.10 on.
      const skopeo = (...args: string[]) => clients.skopeo('--registries-conf', conf, ...args);
      const podman = clients.podman.with({ env });
      await skopeo('copy', '--src-tls-verify=false', 'docker://docker.io/library/hello:v1', to);
      await skopeo('copy', '--src-tls-verify=false', 'docker://quay.io/deis/go-dev:v1', to);
      await podman('pull', '--tls-verify=false', 'docker.io/library/hello:v1');
      await podman('pull', '--tls-verify=false', 'quay.io/deis/go-dev:v1');
    });

    test('a push to a bare name is hosted, beside the mirrored one', async () => {
      const { host } = it.mirror;
      const reference = `${host}/hello:v1`;
      const digest = await pushGreeting(clients, { folder: scratch.path, reference, text: 'mine' });
      expect(digest).not.toBe(it.hello);
      expect((await clients.crane('digest', reference)).stdout.trim()).toBe(digest);
      expect((await clients.crane('digest', `${host}/library/hello:v1`)).stdout.trim()).toBe(it.hello);
      await clients.crane('validate', '--remote', reference);
    });

    test('what was pulled is served with the upstreams gone', async () => {
      const pulled = ['docker.io/library/hello', 'quay.io/deis/go-dev', 'gcr.io/google_containers/pause'];
      for (const upstream of [it.hub, it.quay, it.gcr]) await upstream.stop();
      for (const name of pulled) await clients.crane('validate', '--remote', `${it.mirror.host}/${name}:v1`);
      const pushed = `${it.mirror.host}/team/fresh:v1`;
      await pushGreeting(clients, { folder: scratch.path, reference: pushed, text: 'fresh' });
      await clients.crane('validate', '--remote', pushed);
    });
  },
);

describeWith(
  ['docker-registry', 'distribution', 'crane', 'htpasswd', 'busybox', 'containerd', 'ctr', 'root'],
  'a mirror of containerd',
  () => {
    const held = new AsyncDisposableStack();
    let scratch: Scratch;
    let it: MirrorSetup;
    let ctr: Client;
    beforeAll(async () => {
      scratch = held.use(makeScratch());
      const clients = clientsIn(scratch.path);
      it = await startMirrorSetup(held, { scratch, clients });
      const { env } = clients;
      const containerd = held.use(
        await startContainerd(toolPath('containerd'), { folder: scratch.path, env }),
      );
      ctr = client('ctr', { env, first: ['--address', containerd.socket] });
      for (const registry of ['docker.io', 'gcr.io']) {
        mkdirSync(scratch.at('hosts', registry), { recursive: true });
        const written = atHost(snippetOf('docs/mirror.md', 'toml', '[host.'), it.mirror.host);
        const hosts = registry === 'docker.io' ? written : written.replace('registry-1.docker.io', registry);
        writeFileSync(scratch.at('hosts', registry, 'hosts.toml'), hosts);
      }
    });
    afterAll(() => held.disposeAsync());

    const pull = (reference: string) =>
      ctr(
        'images',
        'pull',
        '--local',
        '--snapshotter',
        'native',
        '--hosts-dir',
        scratch.at('hosts'),
        reference,
      );

    test('pulls docker.io and a second registry by hosts.toml, which sends ns', async () => {
      await pull('docker.io/library/hello:v1');
      await pull('gcr.io/google_containers/pause:v1');
      await it.hub.stop();
      await ctr('images', 'rm', 'docker.io/library/hello:v1');
      await ctr('content', 'prune', 'references');
      await pull('docker.io/library/hello:v1');
    });
  },
);

/** The digest that a HEAD tells, asked by another host name. */
function headOf(port: number, { host, path }: { host: string; path: string }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path, method: 'HEAD', headers: { host } }, (res) => {
      resolve(res.headers['docker-content-digest']);
      res.resume();
    });
    asked.on('error', reject).end();
  });
}
