import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientsIn } from '../support/clients.ts';
import { describeWith } from '../support/describe-with.ts';
import { type HttpClient, httpClient } from '../support/http-client.ts';
import { writeLayer } from '../support/images.ts';
import { type RoundRobin, startRoundRobin } from '../support/nginx.ts';
import { PushLedger, pushUntilCut } from '../support/push-ledger.ts';
import { randomLayers } from '../support/random-content.ts';
import { pathOf } from '../support/raw-connection.ts';
import { pushImage, verifyImage } from '../support/raw-images.ts';
import { digestOf, RepositoryClient } from '../support/registry-client.ts';
import { type RegistryServer, serverUnderTest, startRegistry } from '../support/registry-server.ts';
import { resumeUpload, uploadUntilCut } from '../support/resumable-upload.ts';
import { type S3Server, startMinio, startVersitygw } from '../support/s3-servers.ts';
import { makeScratch } from '../support/scratch.ts';
import { s3Storage } from '../support/storages.ts';

const servers = { versitygw: startVersitygw, minio: startMinio };
const replicas = 3;

for (const name of ['versitygw', 'minio'] as const) {
  describeWith([name, 'nginx', 'crane', 'busybox'], `${replicas} servers over one bucket on ${name}`, () => {
    const held = new AsyncDisposableStack();
    let s3: S3Server;
    let http: HttpClient;
    let registries: RegistryServer[];
    let front: RoundRobin;
    let folder: string;
    beforeAll(async () => {
      const scratch = held.use(makeScratch());
      folder = scratch.path;
      s3 = held.use(await servers[name](folder));
      http = held.use(httpClient());
      const config = { storage: { ...s3Storage(s3), redirect: { disable: true } } };
      registries = [];
      for (let number = 0; number < replicas; number += 1) {
        registries.push(held.use(await startRegistry({ directory: folder, config })));
      }
      front = held.use(
        await startRoundRobin(
          folder,
          registries.map(({ host }) => host),
        ),
      );
    });
    afterAll(() => held.disposeAsync());

    const through = (origin: string, repository: string) =>
      new RepositoryClient(http, { origin, name: repository });
    const each = (repository: string) => registries.map(({ url }) => through(url, repository));

    test('one session goes through all of them', async () => {
      const [one, two, three] = each('team/session');
      if (one === undefined || two === undefined || three === undefined) throw new Error('too few servers');
      const layers = randomLayers(200_000, 12_000_000, 3, 6_000_000);
      const [first, second, third, last] = layers;
      if (first === undefined || second === undefined || third === undefined || last === undefined) return;
      const session = pathOf(await one.startUpload());
      await two.patch(session, first, { from: 0 });
      await three.patch(session, second, { from: first.length });
      expect((await one.uploadStatus(session)).size).toBe(first.length + second.length);
      await one.patch(session, third);
      await two.patch(session, last);
      const content = Buffer.concat(layers);
      await three.finish(session, digestOf(content));
      for (const repository of each('team/session')) {
        expect((await repository.getBlob(digestOf(content))).equals(content)).toBe(true);
        await repository.expect(404, session);
      }
    });

    test('a tag that moves or goes and a manifest that is deleted are seen by all', async () => {
      const [one, two, three] = each('team/moving');
      if (one === undefined || two === undefined || three === undefined) throw new Error('too few servers');
      for (let turn = 0; turn < 3; turn += 1) {
        const image = await pushImage(one, { tag: 'latest', layers: randomLayers(1000) });
        for (const repository of [one, two, three]) await verifyImage(repository, image);
      }
      await two.expect(202, 'manifests/latest', { method: 'DELETE' });
      for (const repository of [one, two, three]) await repository.expect(404, 'manifests/latest');
    });

    test('many clients push and pull through a round robin', async () => {
      const clients = clientsIn(folder);
      const layer = await writeLayer(folder, 'app.tar', [
        { name: 'app', content: Buffer.alloc(300_000, 'a') },
      ]);
      const base = `${front.host}/base/app:v1`;
      await clients.crane('append', '--new_layer', layer, '--new_tag', base);
      const raw = Array.from({ length: 4 }, async (_, worker) => {
        const repository = through(front.url, `raw/${worker}`);
        const [common] = randomLayers(30_000);
        for (let number = 0; number < 45 && common !== undefined; number += 1) {
          const layers = [common, ...randomLayers(1000 + number)];
          const image = await pushImage(repository, { tag: `v${number}`, layers });
          await verifyImage(repository, image);
        }
      });
      const copies = Array.from({ length: 2 }, async (_, worker) => {
        for (let number = 0; number < 10; number += 1) {
          const copy = `${front.host}/copies/of-${worker}-${number}:v1`;
          await clients.crane('copy', base, copy);
          await clients.crane('validate', '--remote', copy);
        }
      });
      await Promise.all([...raw, ...copies]);
    });

    // Sessions of one server go on at another only where its lock is known: distribution has none.
    test.skipIf(serverUnderTest() !== 'fairlead')(
      'a server that is killed loses nothing, and its sessions go on at another',
      async () => {
        const ledger = new PushLedger();
        for (let round = 0; round < replicas; round += 1) {
          const victim = registries[round];
          const other = registries[(round + 1) % replicas];
          if (victim === undefined || other === undefined) throw new Error('too few servers');
          using cut = httpClient();
          const over = new AbortController();
          const { signal } = over;
          const pushes = Array.from({ length: 3 }, (_, writer) =>
            pushUntilCut({ http: cut, origin: victim.url, ledger, name: `killed/${writer}`, signal }),
          );
          const upload = uploadUntilCut({ http: cut, origin: victim.url, name: 'killed/session', signal });
          await delay(1500);
          over.abort();
          await victim.kill();
          await Promise.all(pushes);
          const interrupted = await upload;
          await ledger.verify({ http, origin: other.url, since: round });
          ledger.nextRound();
          if (interrupted !== undefined) {
            const session = interrupted.session.replace(victim.url, other.url);
            const { found } = await resumeUpload(http, { ...interrupted, origin: other.url, session });
            expect(found).toBeGreaterThanOrEqual(interrupted.acknowledged);
          }
          await victim.start();
        }
      },
    );
  });
}
