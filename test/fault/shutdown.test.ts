import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { randomLayers } from '../support/random-content.ts';
import { pathOf, rawRequest, uploadHead } from '../support/raw-connection.ts';
import { digestOf } from '../support/registry-client.ts';
import { serverUnderTest } from '../support/registry-server.ts';
import { startBench } from '../support/server-bench.ts';

const [content = Buffer.alloc(0)] = randomLayers(400_000);
const half = content.byteLength >> 1;

describe.skipIf(serverUnderTest() !== 'fairlead')('a server that is told to end', () => {
  test('finishes the upload that is under way, takes no new connection, and ends with 0', async () => {
    await using bench = await startBench();
    const { host } = bench.server;
    const repository = bench.repository('team/ending');
    const session = await repository.startUpload();
    const head = uploadHead('PATCH', { path: pathOf(session), host, framing: content.byteLength });
    const connection = await rawRequest(host, head);
    await connection.write(content.subarray(0, half));
    await delay(200);
    process.kill(bench.server.pid, 'SIGTERM');
    await delay(500);
    await expect(fetch(`http://${host}/v2/`)).rejects.toThrow();
    await connection.write(content.subarray(half));
    expect(await connection.until(/\r\n\r\n/, 5000)).toMatch(/^HTTP\/1.1 202 /);
    expect(await bench.server.ended).toBe(0);
    await bench.server.start();
    await repository.finish(session, digestOf(content));
    await repository.getBlob(digestOf(content));
  });

  test('cuts what does not end within the drain time, and the session goes on after the start', async () => {
    const port = await freePort();
    const http = { addr: `127.0.0.1:${port}`, draintimeout: '1s' };
    await using bench = await startBench({ port, config: { http } });
    const { host } = bench.server;
    const repository = bench.repository('team/cut');
    const session = await repository.startUpload();
    const head = uploadHead('PATCH', { path: pathOf(session), host, framing: content.byteLength });
    using connection = await rawRequest(host, head);
    await connection.write(content.subarray(0, half));
    await delay(200);
    const started = performance.now();
    await bench.server.stop();
    expect(performance.now() - started).toBeLessThan(4000);
    await bench.server.start();
    const { size, session: next } = await repository.uploadStatus(session);
    expect(size).toBe(half);
    await repository.finish(next, digestOf(content), content.subarray(half));
  });
});
