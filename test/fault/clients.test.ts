import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { randomLayers } from '../support/random-content.ts';
import { pathOf, rawRequest, uploadHead } from '../support/raw-connection.ts';
import { digestOf, withDigest } from '../support/registry-client.ts';
import { type Bench, startBench } from '../support/server-bench.ts';

const name = 'team/faulty';

describe('clients that do not end what they began', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  const [content = Buffer.alloc(0)] = randomLayers(400_000);
  const digest = digestOf(content);
  const half = content.subarray(0, 200_000);

  /** Begins a PATCH of all of the content, of which the first half is sent. */
  const sendHalf = async (framing: 'length' | 'chunked') => {
    const repository = bench.repository(name);
    const session = await repository.startUpload();
    const { host } = bench.server;
    const head = {
      path: pathOf(session),
      host,
      framing: framing === 'length' ? content.byteLength : ('chunked' as const),
    };
    const connection = await rawRequest(host, uploadHead('PATCH', head));
    if (framing === 'chunked') await connection.write(`${half.byteLength.toString(16)}\r\n`);
    await connection.write(half);
    return { repository, session, connection };
  };

  test.each([
    ['vanishes with a reset', 'length', 'reset'],
    ['vanishes with a reset', 'chunked', 'reset'],
    ['ends a body before its length', 'length', 'end'],
    ['ends a chunked body without its last chunk', 'chunked', 'end'],
  ] as const)('one that %s (%s): the session goes on at the last byte', async (_, framing, ending) => {
    const { repository, session, connection } = await sendHalf(framing);
    // Time to read what came: a reset drops what the server has not taken from the connection yet.
    await delay(300);
    connection[ending]();
    await eventually('what arrived is in the session', {
      within: 5000,
      holds: async () => (await repository.uploadStatus(session)).size === half.byteLength,
    });
    const next = await repository.uploadStatus(session);
    const last = await repository.patch(next.session, content.subarray(next.size), { from: next.size });
    await repository.finish(last, digest);
    expect((await repository.getBlob(digest)).equals(content)).toBe(true);
  });

  test('one that pauses for half a minute goes on', { timeout: 90_000 }, async () => {
    const { repository, connection } = await sendHalf('length');
    await delay(31_000);
    await connection.write(content.subarray(half.byteLength));
    const answer = await connection.until(/\r\n\r\n/, 10_000);
    expect(answer).toMatch(/^HTTP\/1.1 202 /);
    const location = /^location: (.*)\r$/im.exec(answer)?.[1] ?? '';
    await repository.finish(location, digest);
  });

  test.each(['PUT', 'POST'] as const)('a %s that ends before its length leaves no blob', async (method) => {
    const repository = bench.repository(`team/short-${method.toLowerCase()}`);
    const session =
      method === 'PUT' ? await repository.startUpload() : `/v2/${repository.name}/blobs/uploads/`;
    const path = pathOf(withDigest(session, digest));
    const { host } = bench.server;
    const connection = await rawRequest(
      host,
      uploadHead(method, { path, host, framing: content.byteLength }),
    );
    await connection.write(half);
    connection.end();
    expect(await connection.untilClosed(10_000)).not.toMatch(/^HTTP\/1.1 201 /);
    await repository.expect(404, `blobs/${digest}`, { method: 'HEAD' });
    expect(await repository.pushBlob(content)).toBe(digest);
  });

  test('bytes behind the length of a body are not part of it, and are a bad request', async () => {
    const repository = bench.repository(name);
    const session = await repository.startUpload();
    const { host } = bench.server;
    const head = uploadHead('PATCH', { path: pathOf(session), host, framing: half.byteLength });
    const connection = await rawRequest(host, head);
    await connection.write(content);
    const answers = await connection.untilClosed(10_000);
    // The one to the PATCH may come before it, or be cut off by it.
    expect(answers).toMatch(/^HTTP\/1.1 (202|400) /);
    expect(answers).toMatch(/HTTP\/1.1 400 [^{]*{"errors":/);
    await eventually('the session is given back', {
      within: 5000,
      holds: async () =>
        (await repository.send(session, { method: 'PATCH', body: Buffer.alloc(0) })).status === 202,
    });
    const { size, session: next } = await repository.uploadStatus(session);
    expect(size).toBeLessThanOrEqual(half.byteLength);
    const last = await repository.patch(next, content.subarray(size), { from: size });
    await repository.finish(last, digest);
  });

  test('a chunked body that is no chunked body is 400 in JSON, and the session stays', async () => {
    const repository = bench.repository(name);
    const session = await repository.startUpload();
    const { host } = bench.server;
    const connection = await rawRequest(
      host,
      uploadHead('PATCH', { path: pathOf(session), host, framing: 'chunked' }),
    );
    await connection.write('5\r\nhello\r\nZZZ\r\n');
    const answer = await connection.untilClosed(10_000);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    await repository.expect(204, session);
  });

  test('a client that reads nothing of a large blob costs nobody else anything', async () => {
    const repository = bench.repository(name);
    const [large = Buffer.alloc(0)] = randomLayers(16 << 20);
    const largeDigest = await repository.pushBlob(large);
    const { host } = bench.server;
    const path = `GET /v2/${name}/blobs/${largeDigest} HTTP/1.1`;
    const idle = await Promise.all(
      Array.from({ length: 20 }, () => rawRequest(host, [path, `Host: ${host}`])),
    );
    const before = performance.now();
    await repository.getBlob(largeDigest);
    expect(performance.now() - before).toBeLessThan(10_000);
    for (const connection of idle) connection.reset();
    await repository.getBlob(digest);
  });
});
