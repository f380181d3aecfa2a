import { expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { randomLayers } from '../support/random-content.ts';
import { pushImage } from '../support/raw-images.ts';
import { digestOf } from '../support/registry-client.ts';
import { serverUnderTest } from '../support/registry-server.ts';
import { makeScratch } from '../support/scratch.ts';
import { pushEverything, pushReferrer, sharedRoot, verifyAll } from '../support/takeover.ts';

const peers = ['docker-registry', 'distribution'] as const;

describeWith([...peers], 'taking over the directory of another registry, and handing it back', () => {
  test.each(peers)('serves what %s pushed, and goes on with its repositories', async (peer) => {
    await using scratch = makeScratch();
    await using shared = sharedRoot(scratch.path);
    const before = await shared.serve(peer);
    const images = await pushEverything(shared, { server: before, team: 'theirs' });
    await before.stop();

    const ours = await shared.serve();
    await verifyAll(shared, { server: ours, images });
    const { body } = await shared.repository(ours, 'theirs/app').expect(200, 'tags/list');
    expect(JSON.parse(body.toString())).toEqual({
      name: 'theirs/app',
      tags: ['multi', 'v0', 'v1', 'v2'],
    });
    const catalog = await shared.http.send(`${ours.url}/v2/_catalog`);
    expect(JSON.parse(catalog.body.toString())).toEqual({
      repositories: ['theirs/app', 'theirs/nested/deep/er'],
    });
    // A tag of theirs is moved, one is deleted, and a manifest with its tags too.
    const app = shared.repository(ours, 'theirs/app');
    const moved = await pushImage(app, { tag: 'v0', layers: randomLayers(700) });
    await app.expect(202, 'manifests/v1', { method: 'DELETE' });
    await app.expect(202, `manifests/${images[2]?.digest}`, { method: 'DELETE' });
    await app.expect(404, 'manifests/v2');
    await ours.stop();

    const after = await shared.serve(peer);
    const kept = images.slice(3);
    await verifyAll(shared, { server: after, images: [moved, ...kept] });
    const tags = await shared.repository(after, 'theirs/app').expect(200, 'tags/list');
    expect(JSON.parse(tags.body.toString()).tags.sort()).toEqual(['multi', 'v0']);
  });

  test('both others serve all that was pushed here, and their garbage collection loses none of it', async () => {
    await using scratch = makeScratch();
    await using shared = sharedRoot(scratch.path);
    const images = [];
    for (const kind of [...peers, undefined]) {
      const server = await shared.serve(kind);
      const pushed = await pushEverything(shared, { server, team: kind ?? 'ours' });
      images.push(...pushed);
      const [subject] = pushed;
      if (kind !== 'docker-registry' && subject) images.push(await pushReferrer(shared, { server, subject }));
      await server.stop();
    }
    for (const peer of peers) {
      const server = await shared.serve(peer);
      await verifyAll(shared, { server, images });
      await server.command('garbage-collect');
      await server.stop();
    }
    // What has a tag, or is part of an index that has one, stays when the untagged go as well. Only distribution 3
    // follows an index for that.
    const collector = await shared.serve('distribution');
    const tagged = images.filter(({ tag }) => tag !== undefined);
    await collector.command('garbage-collect', '--delete-untagged');
    await collector.stop();
    for (const peer of peers) {
      const server = await shared.serve(peer);
      await verifyAll(shared, { server, images: tagged });
      await server.stop();
    }
    const ours = await shared.serve();
    await verifyAll(shared, { server: ours, images: tagged });
  });

  test.skipIf(serverUnderTest() !== 'fairlead')(
    'what was pushed here by sha512 survives the garbage collection of both',
    async () => {
      await using scratch = makeScratch();
      await using shared = sharedRoot(scratch.path);
      const first = await shared.serve();
      const repository = shared.repository(first, 'team/sha512');
      const images = [
        await pushImage(repository, { tag: 'v1', layers: randomLayers(9000), algorithm: 'sha512' }),
      ];
      await verifyAll(shared, { server: first, images });
      await first.stop();
      for (const peer of peers) {
        const server = await shared.serve(peer);
        await server.command('garbage-collect');
        await server.stop();
      }
      const again = await shared.serve();
      await verifyAll(shared, { server: again, images });
    },
  );

  test('serves by sha512 what distribution 3 took by sha512', async () => {
    await using scratch = makeScratch();
    await using shared = sharedRoot(scratch.path);
    const before = await shared.serve('distribution');
    const [content = Buffer.alloc(0)] = randomLayers(9000);
    const digest = await shared.repository(before, 'team/theirs').pushBlob(content, 'sha512');
    await before.stop();
    const ours = await shared.serve();
    expect(await shared.repository(ours, 'team/theirs').getBlob(digest)).toEqual(content);
  });

  test.each(peers)('goes on with an upload that %s began', async (peer) => {
    await using scratch = makeScratch();
    await using shared = sharedRoot(scratch.path);
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = randomLayers(100_000, 50_000);
    const before = await shared.serve(peer);
    const theirs = shared.repository(before, 'team/begun');
    const session = await theirs.patch(await theirs.startUpload(), first);
    await before.kill();
    const ours = await shared.serve();
    const repository = shared.repository(ours, 'team/begun');
    // Its query is their own, its path is that of every registry.
    const status = await repository.uploadStatus(
      ours.kind === 'fairlead' ? new URL(session).pathname : session.replace(before.url, ours.url),
    );
    expect(status.size).toBe(100_000);
    const digest = digestOf(Buffer.concat([first, second]));
    await repository.finish(await repository.patch(status.session, second, { from: 100_000 }), digest);
    expect((await repository.getBlob(digest)).byteLength).toBe(150_000);
    await ours.stop();
    const after = await shared.serve(peer);
    await shared.repository(after, 'team/begun').getBlob(digest);
  });
});
