import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type HttpClient, httpClient } from '../support/http-client.ts';
import { randomLayers } from '../support/random-content.ts';
import { pathOf, rawRequest, uploadHead } from '../support/raw-connection.ts';
import { pushImage, verifyImage } from '../support/raw-images.ts';
import { digestOf, RepositoryClient, withDigest } from '../support/registry-client.ts';
import { type RegistryServer, serverUnderTest, startRegistry } from '../support/registry-server.ts';
import { makeScratch } from '../support/scratch.ts';

const [first = Buffer.alloc(0), second = Buffer.alloc(0), third = Buffer.alloc(0)] = randomLayers(
  300_000,
  200_000,
  100_000,
);

/** Two servers know nothing of each other but the directory. distribution locks nothing, so this is ours alone. */
describe.skipIf(serverUnderTest() !== 'fairlead')('two servers on one directory', () => {
  const held = new AsyncDisposableStack();
  let http: HttpClient;
  let servers: RegistryServer[];
  beforeAll(async () => {
    const scratch = held.use(makeScratch());
    http = held.use(httpClient());
    servers = [];
    for (let number = 0; number < 2; number += 1) {
      servers.push(held.use(await startRegistry({ directory: scratch.path })));
    }
  });
  afterAll(() => held.disposeAsync());

  /** The same repository through the one and through the other. */
  const both = (name: string): [RepositoryClient, RepositoryClient] => {
    const [one, other] = servers.map(({ url }) => new RepositoryClient(http, { origin: url, name }));
    if (one === undefined || other === undefined) throw new Error('there are not two servers');
    return [one, other];
  };

  /** A writer through the first server, which has sent this much of a longer body and goes on holding it. */
  const hold = async (name: string, sent: Buffer) => {
    const [one, other] = both(name);
    const session = pathOf(await one.startUpload());
    const host = servers[0]?.host ?? '';
    const connection = await rawRequest(
      host,
      uploadHead('PATCH', { path: session, host, framing: 10_000_000 }),
    );
    await connection.write(sent);
    // Until the first server has the lock and the bytes.
    await eventually('the bytes are in the session', {
      within: 10_000,
      holds: async () => (await other.uploadStatus(session)).size === sent.byteLength,
    });
    return { one, other, session, connection };
  };

  test('go on with each other’s sessions, request by request', async () => {
    const [one, other] = both('team/interleaved');
    const session = pathOf(await one.startUpload());
    await other.patch(session, first, { from: 0 });
    expect((await one.uploadStatus(session)).size).toBe(first.byteLength);
    await one.patch(session, second);
    await other.patch(session, third, { from: first.byteLength + second.byteLength });
    const content = Buffer.concat([first, second, third]);
    await one.finish(session, digestOf(content));
    expect((await other.getBlob(digestOf(content))).equals(content)).toBe(true);
    await other.expect(404, session);
    await other.expect(404, session, { method: 'PATCH', body: third });
  });

  test('a second writer through the other is refused with 409 and Retry-After, and nothing is interleaved', async () => {
    const { one, other, session, connection } = await hold('team/busy', first);
    const refused = await other.send(session, { method: 'PATCH', body: second });
    expect(refused.status).toBe(409);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(JSON.parse(refused.body.toString()).errors[0].code).toMatch(/^[A-Z_]+$/);
    const closing = withDigest(session, digestOf(first));
    expect((await other.send(closing, { method: 'PUT' })).status).toBe(409);
    expect((await one.send(session, { method: 'PATCH', body: second })).status).toBe(409);
    expect((await one.uploadStatus(session)).size).toBe(first.byteLength);
    connection.reset();
    await eventually('the writer that vanished holds nothing', {
      within: 5000,
      holds: async () => (await other.send(session, { method: 'PATCH', body: second })).status === 202,
    });
    const content = Buffer.concat([first, second]);
    await one.finish(session, digestOf(content));
    await other.getBlob(digestOf(content));
  });

  test('of many who begin at once through both, one is let through', async () => {
    const [one, other] = both('team/contended');
    const headers = { 'content-range': `0-${first.byteLength - 1}` };
    for (let round = 0; round < 10; round += 1) {
      const session = pathOf(await one.startUpload());
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, number) =>
          (number % 2 === 0 ? one : other).send(session, { method: 'PATCH', headers, body: first }),
        ),
      );
      const statuses = answers.map(({ status }) => status);
      // Who came while it was written is busy, who came after it is out of order.
      for (const status of statuses) expect([202, 409, 416]).toContain(status);
      expect(statuses.filter((status) => status === 202)).toHaveLength(1);
      await other.finish(session, digestOf(first));
    }
    await one.getBlob(digestOf(first));
  });

  test('see what the other wrote, moved and deleted within a second', async () => {
    const [one, other] = both('team/seen');
    const before = await pushImage(one, { tag: 'moving', layers: [first] });
    await other.expect(200, 'manifests/moving');
    const after = await pushImage(one, { tag: 'moving', layers: [second] });
    const stays = await pushImage(one, { tag: 'new', layers: [third] });
    await eventually('the tag has moved there too', {
      within: 1000,
      holds: async () => (await other.resolve('moving')) === after.digest,
    });
    await verifyImage(other, stays);
    await one.expect(202, `manifests/${before.digest}`, { method: 'DELETE' });
    await one.expect(202, 'manifests/new', { method: 'DELETE' });
    await eventually('what was deleted is gone there too', {
      within: 1000,
      holds: async () =>
        (await other.send(`manifests/${before.digest}`)).status === 404 &&
        (await other.send('manifests/new')).status === 404 &&
        !JSON.parse((await other.send('tags/list')).body.toString()).tags.includes('new'),
    });
  });

  test('the same blobs pushed through both at once are there once, whole', async () => {
    const [one, other] = both('team/same');
    const contents = randomLayers(...Array.from({ length: 8 }, () => 500_000));
    await Promise.all(contents.flatMap((content) => [one.pushBlob(content), other.pushBlob(content)]));
    for (const content of contents) await one.getBlob(digestOf(content));
  });

  test('a writer that was stopped is taken over, and reaches nothing when it wakes', async () => {
    const { other, session, connection } = await hold('team/asleep', first);
    const sleeper = servers[0];
    if (sleeper === undefined) throw new Error('no server');
    process.kill(sleeper.pid, 'SIGSTOP');
    const started = performance.now();
    try {
      // While it sleeps, more comes for it, which it finds when it wakes.
      void connection.write(second);
      await other.patch(session, third, { from: first.byteLength });
      expect(performance.now() - started).toBeLessThan(10_000);
    } finally {
      process.kill(sleeper.pid, 'SIGCONT');
    }
    await delay(500);
    const content = Buffer.concat([first, third]);
    await other.finish(session, digestOf(content));
    expect((await other.getBlob(digestOf(content))).equals(content)).toBe(true);
    connection.reset();
    await eventually('it answers again', {
      within: 5000,
      holds: async () => (await http.send(`${sleeper.url}/v2/`)).status === 200,
    });
  });

  test('a writer that was killed is taken over at the last byte', async () => {
    const { other, session } = await hold('team/killed', first);
    await servers[0]?.kill();
    const { size } = await other.uploadStatus(session);
    expect(size).toBe(first.byteLength);
    await other.patch(session, second, { from: size });
    await other.finish(session, digestOf(Buffer.concat([first, second])));
    await other.getBlob(digestOf(Buffer.concat([first, second])));
    await servers[0]?.start();
  });
});
