import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { httpClient } from '../support/http-client.ts';
import { PushLedger, pushUntilCut } from '../support/push-ledger.ts';
import { randomLayers } from '../support/random-content.ts';
import { pathOf } from '../support/raw-connection.ts';
import { pushImage, verifyImage } from '../support/raw-images.ts';
import { digestOf } from '../support/registry-client.ts';
import { serverUnderTest } from '../support/registry-server.ts';
import { type Replicas, startReplicas } from '../support/replicas.ts';
import { resumeUpload, uploadUntilCut } from '../support/resumable-upload.ts';
import { S3_SERVERS } from '../support/s3-servers.ts';
import { makeScratch } from '../support/scratch.ts';

const replicas = 3;

/** Each waits for the verdict on a dead holder. */
const kills = 2;

for (const [name, startS3] of S3_SERVERS) {
  describeWith([name, 'nginx'], `${replicas} servers over one bucket on ${name}`, () => {
    const held = new AsyncDisposableStack();
    let set: Replicas;
    beforeAll(async () => {
      const directory = held.use(makeScratch()).path;
      const s3 = held.use(await startS3(directory));
      set = held.use(await startReplicas({ s3, directory, count: replicas }));
    });
    afterAll(() => held.disposeAsync());

    test('one session goes through all of them', async () => {
      const [one, two, three] = set.each('team/session');
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
      for (const repository of set.each('team/session')) {
        expect((await repository.getBlob(digestOf(content))).equals(content)).toBe(true);
        await repository.expect(404, session);
      }
    });

    test('a tag that moves or goes is seen by all', async () => {
      const [one, two, three] = set.each('team/moving');
      if (one === undefined || two === undefined || three === undefined) throw new Error('too few servers');
      for (let turn = 0; turn < 3; turn += 1) {
        const image = await pushImage(one, { tag: 'latest', layers: randomLayers(1000) });
        for (const repository of [one, two, three]) await verifyImage(repository, image);
      }
      await two.expect(202, 'manifests/latest', { method: 'DELETE' });
      for (const repository of [one, two, three]) await repository.expect(404, 'manifests/latest');
    });

    test('what was pushed is there for all at once, what was deleted goes for all within seconds', async () => {
      const [one, two, three] = set.each('team/fresh');
      if (one === undefined || two === undefined || three === undefined) throw new Error('too few servers');
      const [content = Buffer.alloc(0)] = randomLayers(1000);
      const blob = `blobs/${digestOf(content)}`;
      // That it is not there is not remembered.
      for (const repository of [one, two, three]) await repository.expect(404, blob);
      await one.pushBlob(content);
      const image = await pushImage(two, { tag: 'v1', layers: [content] });
      for (const repository of [one, two, three]) await verifyImage(repository, image);
      await one.expect(202, `manifests/${image.digest}`, { method: 'DELETE' });
      await two.expect(202, blob, { method: 'DELETE' });
      for (const repository of [one, two, three]) {
        for (const path of [`manifests/${image.digest}`, 'manifests/v1', blob]) {
          await eventually(`${path} is gone`, {
            within: 6_000,
            holds: async () => (await repository.send(path)).status === 404,
          });
        }
      }
      await verifyImage(three, await pushImage(three, { tag: 'v1', layers: [content] }));
      for (const repository of [one, two, three]) await verifyImage(repository, image);
    });

    // Sessions of one server go on at another only where its lock is known: distribution has none.
    test.skipIf(serverUnderTest() !== 'fairlead')(
      'a server that is killed loses nothing, and its sessions go on at another',
      async () => {
        const ledger = new PushLedger();
        for (let round = 0; round < kills; round += 1) {
          const victim = set.registries[round];
          const other = set.registries[(round + 1) % replicas];
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
          await ledger.verify({ http: set.http, origin: other.url, since: round });
          ledger.nextRound();
          if (interrupted !== undefined) {
            const session = interrupted.session.replace(victim.url, other.url);
            const { found } = await resumeUpload(set.http, { ...interrupted, origin: other.url, session });
            expect(found).toBeGreaterThanOrEqual(interrupted.acknowledged);
          }
          await victim.start();
        }
      },
    );
  });
}
