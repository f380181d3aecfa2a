import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { debugHandler } from '../../../src/operations/debug-handler.ts';
import type { RequestHandler } from '../../../src/operations/exchange.ts';
import { withHealth, withMetrics } from '../../../src/operations/handler-wrappers.ts';
import { watchHealth } from '../../../src/operations/health.ts';
import { fileCheck, type HealthCheck, httpCheck, tcpCheck } from '../../../src/operations/health-checks.ts';
import { type Listener, listen } from '../../../src/operations/listener.ts';
import { createMetrics } from '../../../src/operations/metrics.ts';
import { routeName } from '../../../src/operations/route-name.ts';

const open: Listener[] = [];

async function serve(handler: RequestHandler): Promise<string> {
  const listener = await listen(handler, { address: '127.0.0.1:0' });
  open.push(listener);
  return `http://${listener.address}`;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close({ drain: 0 })));
});

const signal = new AbortController().signal;

/** Answers with the path that arrived. */
const echo: RequestHandler = (req, res) => void res.end(String(req.url));

describe('health checks', () => {
  it('a file check fails while the file is there', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'health-'));
    const file = join(directory, 'down');
    const check = fileCheck(file);
    await check.run(signal);
    await writeFile(file, '');
    await expect(check.run(signal)).rejects.toThrow('file exists');
    expect(check.name).toBe(file);
    await rm(directory, { recursive: true });
  });

  it('an HTTP check asks by HEAD, with its headers, for its status', async () => {
    const origin = await serve((req, res) => {
      res.statusCode = req.method === 'HEAD' && req.headers['x-a'] === 'b, c' ? 204 : 500;
      res.end();
    });
    await httpCheck(origin, { status: 204, headers: { 'x-a': ['b', 'c'] } }).run(signal);
    await expect(httpCheck(origin).run(signal)).rejects.toThrow('unexpected status: 500');
  });

  it('a TCP check connects', async () => {
    const { port, host } = new URL(await serve(echo));
    const check = tcpCheck({ host: '127.0.0.1', port: Number(port) });
    await check.run(signal);
    await open[0]?.close({ drain: 0 });
    await expect(check.run(signal)).rejects.toThrow('ECONNREFUSED');
    expect(check.name).toBe(host);
  });

  it('count after so many failures in a row as the threshold says, and recover with one success', async () => {
    const results = ['a', 'b', 'c', undefined];
    const seen: boolean[] = [];
    const done = Promise.withResolvers<void>();
    const check: HealthCheck = {
      name: 'x',
      interval: 0,
      threshold: 3,
      async run() {
        seen.push(health?.healthy ?? true);
        if (seen.length > 4) done.resolve();
        const failure = results[seen.length - 1];
        if (failure !== undefined) throw new Error(failure);
      },
    };
    let health: ReturnType<typeof watchHealth> | undefined;
    health = watchHealth([check]);
    await done.promise;
    health[Symbol.dispose]();
    expect(seen.slice(0, 5)).toEqual([true, true, true, false, true]);
  });
});

describe('the debug listener', () => {
  it('answers 200 {} while all is well', async () => {
    using health = watchHealth([]);
    const origin = await serve(debugHandler({ health }));
    const response = await fetch(`${origin}/debug/health`);
    expect([response.status, await response.text()]).toEqual([200, '{}']);
  });

  it('names what fails, and the API answers 503 meanwhile', async () => {
    using health = watchHealth([{ name: 'disk', run: () => Promise.reject(new Error('gone')) }]);
    await expect.poll(() => health.healthy).toBe(false);
    const origin = await serve(debugHandler({ health }));
    const response = await fetch(`${origin}/debug/health`);
    expect([response.status, await response.json()]).toEqual([503, { disk: 'gone' }]);
    const api = await fetch(await serve(withHealth(echo, health)));
    expect(api.status).toBe(503);
    expect(await api.json()).toMatchObject({
      errors: [{ code: 'UNAVAILABLE', detail: 'health check failed: please see /debug/health' }],
    });
  });

  it('gives metrics by distribution’s names', async () => {
    using health = watchHealth([]);
    const metrics = createMetrics();
    const api = await serve(withMetrics(echo, metrics.http));
    await (await fetch(`${api}/v2/a/b/manifests/v1`)).text();
    metrics.storage.observe({ driver: 'filesystem', action: 'Stat' }, 0.1);
    const origin = await serve(debugHandler({ health, metrics: { path: '/metrics', source: metrics } }));
    const read = async () => (await fetch(`${origin}/metrics`)).text();
    await expect
      .poll(read)
      .toContain('registry_http_requests_total{handler="manifest",code="200",method="get"} 1');
    const text = await read();
    for (const name of [
      'registry_http_in_flight_requests{handler="manifest"} 0',
      'registry_http_request_duration_seconds_count{handler="manifest",method="get"} 1',
      'registry_http_request_size_bytes_count{handler="manifest"} 1',
      'registry_http_response_size_bytes_count{handler="manifest"} 1',
      'registry_storage_action_seconds_count{driver="filesystem",action="Stat"} 1',
      'process_resident_memory_bytes ',
    ]) {
      expect(text).toContain(name);
    }
  });

  it('knows nothing else', async () => {
    using health = watchHealth([]);
    const origin = await serve(debugHandler({ health }));
    expect((await fetch(`${origin}/metrics`)).status).toBe(404);
    expect((await fetch(`${origin}/debug/health`, { method: 'POST' })).status).toBe(405);
  });
});

describe('the route of a request', () => {
  it.each([
    ['/v2/', 'base'],
    ['/v2', 'base'],
    ['/gcr.io/v2/', 'base'],
    ['/v2/_catalog?n=1', 'catalog'],
    ['/v2/a/b/manifests/v1', 'manifest'],
    ['/v2/a/tags/list', 'tags'],
    ['/v2/a/blobs/sha256:abc', 'blob'],
    ['/v2/a/blobs/uploads/?mount=x', 'blob_upload'],
    ['/v2/a/blobs/uploads/uuid', 'blob_upload_chunk'],
    ['/v2/a/referrers/sha256:abc', 'referrers'],
    ['/auth/token?service=a', 'token'],
    ['/favicon.ico', 'other'],
    ['/v2/a/nothing', 'other'],
  ])('of %s is %s', (target, name) => {
    expect(routeName(target)).toBe(name);
  });
});
