import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clients, clientsIn } from '../support/clients.ts';
import { describeWith } from '../support/describe-with.ts';
import { CLASSIC_DOCKER, type Docker, startDockerClassic } from '../support/docker.ts';
import { greetingFiles, writeLayer } from '../support/images.ts';
import { randomLayers } from '../support/random-content.ts';
import { pushImage, verifyImage } from '../support/raw-images.ts';
import { type Replicas, startReplicas } from '../support/replicas.ts';
import { S3_SERVERS } from '../support/s3-servers.ts';
import { makeScratch } from '../support/scratch.ts';

const programs = ['nginx', 'crane', 'podman', 'busybox', ...CLASSIC_DOCKER] as const;

/** Images that each kind of client pushes, into as many repositories; 200 in all. */
const counts = { raw: 4 * 40, crane: 2 * 10, docker: 12, podman: 8 };

for (const [name, startS3] of S3_SERVERS) {
  describeWith([name, ...programs], `three servers over one bucket on ${name}, in turn`, () => {
    const held = new AsyncDisposableStack();
    let replicas: Replicas;
    let clients: Clients;
    let docker: Docker;
    let folder: string;
    let base: string;

    beforeAll(async () => {
      folder = held.use(makeScratch()).path;
      const s3 = held.use(await startS3(folder));
      // On one of them every reader is sent to the bucket.
      const storage = { redirect: { disable: name === 'versitygw' } };
      replicas = held.use(await startReplicas({ s3, directory: folder, count: 3, storage }));
      docker = held.use(await startDockerClassic({ folder }));
      clients = clientsIn(folder);
      base = `${replicas.front.host}/base/app:v1`;
      const layer = await writeLayer(folder, 'base.tar', await greetingFiles('behind the round robin'));
      await clients.crane('append', '--oci-empty-base', '--new_layer', layer, '--new_tag', base);
    });
    afterAll(() => held.disposeAsync());

    /** A folder with what builds an image of one layer on the base. */
    const context = async (image: string): Promise<string> => {
      const path = join(folder, 'build', image);
      await mkdir(path, { recursive: true });
      await writeFile(join(path, 'Dockerfile'), `FROM ${base}\nCOPY Dockerfile /${image}\n`);
      return path;
    };

    const withRaw = async (worker: number) => {
      const repository = replicas.behind(`raw/${worker}`);
      const [common = Buffer.alloc(0)] = randomLayers(30_000);
      for (let number = 0; number < counts.raw / 4; number += 1) {
        const layers = [common, ...randomLayers(1000 + number)];
        await verifyImage(repository, await pushImage(repository, { tag: `v${number}`, layers }));
      }
    };

    const withCrane = async (worker: number) => {
      for (let number = 0; number < counts.crane / 2; number += 1) {
        const copy = `${replicas.front.host}/copies/of-${worker}-${number}:v1`;
        await clients.crane('copy', base, copy);
        await clients.crane('validate', '--remote', copy);
      }
    };

    /** Each image goes into a second repository too, where its layers are mounted. */
    const withDocker = async () => {
      const classic = docker.cli.with({ env: { ...clients.env, DOCKER_BUILDKIT: '0' } });
      let mounted = '';
      for (let number = 0; number < counts.docker / 2; number += 1) {
        const one = `${replicas.front.host}/docker/one-${number}:v1`;
        const two = `${replicas.front.host}/docker/two-${number}:v1`;
        await classic('build', '--tag', one, await context(`docker-${number}`));
        await docker.cli('push', one);
        await docker.cli('tag', one, two);
        mounted += (await docker.cli('push', two)).stdout;
        await docker.cli('rmi', one, two);
        await docker.cli('pull', two);
        await clients.crane('validate', '--remote', one);
      }
      expect(mounted).toContain('Mounted from docker/one-');
      expect(mounted).not.toContain('Pushed');
    };

    const withPodman = async () => {
      for (let number = 0; number < counts.podman / 2; number += 1) {
        const one = `${replicas.front.host}/podman/one-${number}:v1`;
        const two = `${replicas.front.host}/podman/two-${number}:v1`;
        const options = ['--tls-verify=false', '--isolation', 'chroot', '--tag', one];
        await clients.podman('build', ...options, await context(`podman-${number}`));
        await clients.podman('push', '--tls-verify=false', one);
        await clients.podman('tag', one, two);
        await clients.podman('push', '--tls-verify=false', two);
        await clients.podman('rmi', one, two);
        await clients.podman('pull', '--tls-verify=false', two);
        await clients.crane('validate', '--remote', two);
      }
    };

    test('docker, podman, crane and others push, mount and pull at once', async () => {
      await Promise.all([...[0, 1, 2, 3].map(withRaw), ...[0, 1].map(withCrane), withDocker(), withPodman()]);
      const catalog = (await clients.crane('catalog', replicas.front.host)).stdout.trim().split('\n');
      expect(catalog).toHaveLength(1 + 4 + counts.crane + counts.docker + counts.podman);
      for (const { url } of replicas.registries) {
        const { body } = await replicas.http.send(`${url}/v2/_catalog?n=1000`);
        expect(JSON.parse(body.toString()).repositories).toHaveLength(catalog.length);
      }
    });
  });
}
