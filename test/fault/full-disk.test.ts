import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { type Answer, httpClient } from '../support/http-client.ts';
import { randomLayers } from '../support/random-content.ts';
import { pushImage, verifyImage } from '../support/raw-images.ts';
import { digestOf, mediaTypes, RepositoryClient, withDigest } from '../support/registry-client.ts';
import { startRegistry } from '../support/registry-server.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { mountTmpfs } from '../support/tmpfs.ts';

const mebibyte = 1 << 20;

/** A 5xx that says in the specification's JSON what is the matter. */
function expectFull(answer: Answer): void {
  expect(answer.status).toBeGreaterThanOrEqual(500);
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  const { errors } = JSON.parse(answer.body.toString());
  expect(errors[0].code).toMatch(/^[A-Z_]+$/);
  expect(errors[0].message).toMatch(/space|full/i);
}

describeWith(['root'], 'a disk that is full', () => {
  /** A server on 64 MiB, of which a file beside the registry's tree can take and give back any part. */
  const serveOnSmallDisk = async (scratch: Scratch, held: AsyncDisposableStack) => {
    const storage = join(scratch.path, 'storage');
    held.use(await mountTmpfs(storage, '64m'));
    const server = held.use(await startRegistry({ directory: scratch.path }));
    const http = held.use(httpClient());
    const ballast = join(storage, 'ballast');
    return {
      server,
      repository: new RepositoryClient(http, { origin: server.url, name: 'team/full' }),
      /** Leaves this many bytes free, or as few as can be. */
      fill: async (free: number) => {
        await writeFile(ballast, '');
        const { bavail, bsize } = await statfs(storage);
        await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - free)));
      },
      free: () => rm(ballast),
    };
  };

  const ways: [string, (repository: RepositoryClient, content: Buffer) => Promise<Answer>][] = [
    [
      'a blob in one POST',
      (repository, body) =>
        repository.send(withDigest('blobs/uploads/', digestOf(body)), { method: 'POST', body }),
    ],
    [
      'a blob by POST and PUT',
      async (repository, body) => {
        const session = await repository.startUpload();
        return repository.send(withDigest(session, digestOf(body)), { method: 'PUT', body });
      },
    ],
    [
      'a streamed PATCH',
      async (repository, content) => {
        const session = await repository.startUpload();
        return repository.send(session, { method: 'PATCH', body: inPieces(content) });
      },
    ],
  ];

  test.each(ways)(
    '%s is a 5xx in JSON; what was there is served, and with space pushes work again',
    async (_, push) => {
      await using scratch = makeScratch();
      await using held = new AsyncDisposableStack();
      const { server, repository, fill, free } = await serveOnSmallDisk(scratch, held);
      const earlier = await pushImage(repository, { tag: 'earlier', layers: randomLayers(mebibyte) });
      await fill(4 * mebibyte);
      const [large = Buffer.alloc(0)] = randomLayers(16 * mebibyte);
      expectFull(await push(repository, large));
      await verifyImage(repository, earlier);
      await repository.expect(404, `blobs/${digestOf(large)}`);
      await free();
      const later = await pushImage(repository, { tag: 'later', layers: [large] });
      await verifyImage(repository, later);
      expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
    },
  );

  test('without a byte left manifests, tags and sessions are refused alike, and deletes work', async () => {
    await using scratch = makeScratch();
    await using held = new AsyncDisposableStack();
    const { repository, fill, free } = await serveOnSmallDisk(scratch, held);
    const image = await pushImage(repository, { tag: 'kept', layers: randomLayers(mebibyte) });
    const dropped = await pushImage(repository, { tag: 'dropped', layers: randomLayers(1000) });
    await fill(0);
    const body = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] }),
    );
    const headers = { 'content-type': mediaTypes.index };
    expectFull(await repository.send('manifests/refused', { method: 'PUT', headers, body }));
    await repository.expect(404, 'manifests/refused');
    await repository.expect(202, 'manifests/dropped', { method: 'DELETE' });
    await repository.expect(202, `manifests/${dropped.digest}`, { method: 'DELETE' });
    await verifyImage(repository, image);
    await free();
    await repository.expect(201, 'manifests/refused', { method: 'PUT', headers, body });
  });

  test('an upload that met the full disk goes on where it stopped when there is space', async () => {
    await using scratch = makeScratch();
    await using held = new AsyncDisposableStack();
    const { repository, fill, free } = await serveOnSmallDisk(scratch, held);
    await fill(4 * mebibyte);
    const [content = Buffer.alloc(0)] = randomLayers(16 * mebibyte);
    const session = await repository.startUpload();
    expectFull(await repository.send(session, { method: 'PATCH', body: content }));
    await free();
    const { size, session: next } = await repository.uploadStatus(session);
    const last = await repository.patch(next, content.subarray(size), { from: size });
    await repository.finish(last, digestOf(content));
    expect((await repository.getBlob(digestOf(content))).equals(content)).toBe(true);
  });

  test('many pushes at once meet it, and none of them is answered 201 and lost', async () => {
    await using scratch = makeScratch();
    await using held = new AsyncDisposableStack();
    const { server, repository, fill } = await serveOnSmallDisk(scratch, held);
    await fill(12 * mebibyte);
    const contents = randomLayers(...Array.from({ length: 40 }, () => mebibyte));
    const push = async (body: Buffer) => {
      const digest = digestOf(body);
      const answer = await repository.send(withDigest('blobs/uploads/', digest), { method: 'POST', body });
      return { digest, answer };
    };
    // A few at once: all at once would share what room there is, and none of them would fit.
    const answers = [];
    while (contents.length > 0) answers.push(...(await Promise.all(contents.splice(0, 4).map(push))));
    const taken = answers.filter(({ answer }) => answer.status === 201);
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.length).toBeLessThan(answers.length);
    for (const { digest } of taken) await repository.getBlob(digest);
    for (const { answer } of answers) if (answer.status !== 201) expectFull(answer);
    await server.kill();
    await server.start();
    for (const { digest } of taken) await repository.getBlob(digest);
  });
});

async function* inPieces(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.byteLength; at += mebibyte) yield content.subarray(at, at + mebibyte);
}
