import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { randomLayers } from '../support/random-content.ts';
import { pathOf, rawRequest, uploadHead } from '../support/raw-connection.ts';
import { pushImage, verifyImage } from '../support/raw-images.ts';
import { digestOf } from '../support/registry-client.ts';
import { run } from '../support/run.ts';
import { startBench } from '../support/server-bench.ts';

describe('many clients at once', () => {
  test('256 uploads that all pause in the middle hold up nobody, and all end well', async () => {
    await using bench = await startBench();
    const { host } = bench.server;
    const repository = bench.repository('team/many');
    const contents = randomLayers(...Array.from({ length: 256 }, () => 100_000));
    const uploads = await Promise.all(
      contents.map(async (content) => {
        const session = await repository.startUpload();
        const head = { path: pathOf(session), host, framing: content.byteLength };
        const connection = await rawRequest(host, uploadHead('PATCH', head));
        await connection.write(content.subarray(0, 50_000));
        return { content, connection };
      }),
    );
    const image = await pushImage(bench.repository('team/other'), { tag: 'v1', layers: randomLayers(1000) });
    await verifyImage(bench.repository('team/other'), image);
    await Promise.all(
      uploads.map(async ({ content, connection }) => {
        await connection.write(content.subarray(50_000));
        const answer = await connection.until(/\r\n\r\n/, 30_000);
        connection.reset();
        expect(answer).toMatch(/^HTTP\/1.1 202 /);
        const location = /^location: (.*)\r$/im.exec(answer)?.[1] ?? '';
        await repository.finish(location, digestOf(content));
      }),
    );
    for (const content of contents) await repository.getBlob(digestOf(content));
  });

  test('2,000 idle connections leave room for who asks', async () => {
    await using bench = await startBench();
    const { host } = bench.server;
    const idle = [];
    for (let number = 0; number < 2000; number += 1)
      idle.push(await rawRequest(host, [`GET /v2/ HTTP/1.1`, `Host: ${host}`]));
    const repository = bench.repository('team/room');
    await verifyImage(repository, await pushImage(repository, { tag: 'v1', layers: randomLayers(1000) }));
    for (const connection of idle) connection.reset();
  });
});

describeWith(['root'], 'a server that has no file descriptors left', () => {
  test('never says "not found" for it, and goes on when it has some again', async () => {
    await using bench = await startBench();
    const repository = bench.repository('team/descriptors');
    const layers = randomLayers(...Array.from({ length: 40 }, () => 2_000_000));
    const image = await pushImage(repository, { tag: 'v1', layers });
    await bench.server.stop();
    await bench.server.start();
    const { pid } = bench.server;
    const limit = (count: number) => run('prlimit', ['--pid', String(pid), `--nofile=${count}:4096`]);
    await limit(readdirSync(`/proc/${pid}/fd`).length + 12);
    // A connection that there is no descriptor for is cut.
    const status = (path: string) =>
      repository.send(path).then(
        (answer) => answer.status,
        () => 'cut' as const,
      );
    const statuses = await Promise.all(
      [...image.blobs.map((digest) => `blobs/${digest}`), 'manifests/v1'].map(status),
    );
    for (const found of statuses) expect(found === 'cut' || found === 200 || found >= 500).toBe(true);
    expect(statuses.some((found) => found !== 200)).toBe(true);
    await limit(4096);
    await verifyImage(repository, image);
  });
});
