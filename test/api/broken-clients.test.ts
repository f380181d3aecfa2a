import { once } from 'node:events';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { expect, test } from 'vitest';
import { OPEN_GRANT } from '../../src/auth/grants.ts';
import type { Authorizer } from '../../src/oci/access.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { type Listener, listen } from '../../src/operations/listener.ts';
import { imageManifest, locationOf, send, startUpload } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';
import { RawClient } from '../support/raw-client.ts';
import { createTestRegistry, TEST_SETTINGS, type TestRegistryOptions } from '../support/test-registry.ts';

/* Clients that no HTTP library would be, on the listener that the server has. */

const content = Buffer.alloc(1000, 'fairlead ');
const digest = digestOf(content);
const half = content.toString('latin1', 0, 500);

async function bench(options: TestRegistryOptions = {}) {
  const registry = createTestRegistry(options);
  const listener: Listener = await listen(registry.app, { address: '127.0.0.1:0' });
  const session = await startUpload(registry, 'a');
  const size = async () => (await send(registry, `GET ${session}`)).headers.range;
  const stack = new AsyncDisposableStack();
  stack.use(listener);
  const connect = async () => stack.use(await RawClient.connect(listener.port));
  return { registry, session, size, connect, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const head = (line: string, ...headers: string[]): string[] => [
  `${line} HTTP/1.1`,
  'Host: r',
  ...headers,
  '',
  '',
];

test('two writers at once: the second is 409 with Retry-After, the first goes on, status is told meanwhile', async () => {
  await using running = await bench();
  const { registry, session, size, connect } = running;
  const first = await connect();
  first.send(...head(`PATCH ${session}`, 'Content-Length: 1000'));
  first.send(half);
  await eventually('the first half is there', {
    within: 5000,
    holds: async () => (await size()) === '0-499',
  });
  for (const line of [`PATCH ${session}`, `PUT ${session}?digest=${digest}`, `DELETE ${session}`] as const) {
    const answer = await send(registry, line, { body: 'x' });
    expect(answer.status, line).toBe(409);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.codes).toEqual(['BLOB_UPLOAD_INVALID']);
  }
  first.send(content.toString('latin1', 500));
  expect(await first.until(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 202 /);
  expect((await send(registry, `PUT ${session}?digest=${digest}`)).status).toBe(201);
});

test('a client that vanishes leaves a session that goes on at the last byte, and no error in the log', async () => {
  await using running = await bench();
  const { registry, session, size, connect } = running;
  const client = await connect();
  client.send(...head(`PATCH ${session}`, 'Content-Length: 1000'));
  client.send(half);
  await eventually('the half is there', { within: 5000, holds: async () => (await size()) === '0-499' });
  client.socket.resetAndDestroy();
  const goOn = () =>
    send(registry, `PATCH ${session}`, {
      headers: { 'content-range': '500-999' },
      body: content.subarray(500),
    });
  await eventually('the session is free', { within: 5000, holds: async () => (await goOn()).status !== 409 });
  expect((await send(registry, `PUT ${session}?digest=${digest}`)).status).toBe(201);
  expect(registry.log.filter(({ level }) => level === 'error')).toEqual([]);
});

test('a POST of a whole blob whose client vanishes leaves nothing', async () => {
  await using running = await bench();
  const { registry, session, connect } = running;
  await send(registry, `DELETE ${session}`);
  const client = await connect();
  client.send(...head(`POST /v2/a/blobs/uploads/?digest=${digest}`, 'Content-Length: 1000'));
  client.send(half);
  const uploads = () => registry.driver.list('docker/registry/v2/repositories/a/_uploads');
  await eventually('it began', { within: 5000, holds: async () => (await uploads()).entries.length === 1 });
  client.socket.resetAndDestroy();
  await eventually('it is gone', { within: 5000, holds: async () => (await uploads()).entries.length === 0 });
});

test.each([
  ['PATCH', 'a session that can be asked for its size'],
  ['PUT', 'a session that can be asked for its size'],
])('a %s on which nothing comes any more is 408, and leaves %s', async (method) => {
  await using running = await bench({ settings: { idleBody: 100 } });
  const { registry, session, size, connect } = running;
  const client = await connect();
  client.send(...head(`${method} ${session}?digest=${digest}`, 'Content-Length: 1000'));
  client.send(half);
  const answer = await client.until(/"errors"/);
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
  expect(answer).toMatch(/connection: close/i);
  expect(await size()).toBe('0-499');
  expect((await send(registry, `PATCH ${session}`, { body: content.subarray(500) })).status).toBe(202);
});

test('a manifest on which nothing comes any more is 408, and is not kept', async () => {
  await using running = await bench({ settings: { idleBody: 100 } });
  const { registry, connect } = running;
  const client = await connect();
  client.send(...head('PUT /v2/a/manifests/v1', 'Content-Length: 1000'));
  client.send('{"schemaVersion"');
  expect(await client.until(/"errors"/)).toMatch(/^HTTP\/1.1 408 /);
  expect((await send(registry, 'GET /v2/a/manifests/v1')).status).toBe(404);
});

test('a chunked body longer or shorter than its Content-Range is 400 SIZE_INVALID', async () => {
  for (const range of ['0-498', '0-500']) {
    await using running = await bench();
    const { session, connect } = running;
    const client = await connect();
    client.send(...head(`PATCH ${session}`, 'Transfer-Encoding: chunked', `Content-Range: ${range}`));
    client.send('1f4', half, '0', '', '');
    expect(await client.until(/"errors"/), range).toMatch(/^HTTP\/1.1 400 .*SIZE_INVALID/s);
  }
});

test('a chunked manifest above the limit is 413 before it ends', async () => {
  await using running = await bench({ settings: { maxManifestSize: 1000 } });
  const { connect } = running;
  const client = await connect();
  client.send(...head('PUT /v2/a/manifests/v1', 'Transfer-Encoding: chunked'));
  client.send('3e9', 'x'.repeat(1001), '');
  expect(await client.until(/"errors"/)).toMatch(/^HTTP\/1.1 413 /);
});

test('a chunked manifest within the limit is taken', async () => {
  await using running = await bench({
    settings: { manifests: { ...TEST_SETTINGS.manifests, disabled: true } },
  });
  const { registry, connect } = running;
  const client = await connect();
  const manifest = imageManifest().toString();
  client.send(...head('PUT /v2/a/manifests/v1', 'Transfer-Encoding: chunked'));
  client.send(manifest.length.toString(16), manifest, '0', '', '');
  expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 201 /);
  expect((await send(registry, 'GET /v2/a/manifests/v1')).body.toString()).toBe(manifest);
});

test.each([
  ['an unknown session', 'PATCH /v2/a/blobs/uploads/00000000-0000-4000-8000-000000000000', '404'],
  ['a manifest that is too large', 'PUT /v2/a/manifests/v1', '413'],
  ['a bad name', 'PUT /v2/UPPER/manifests/v1', '400'],
  ['a bad digest', 'POST /v2/a/blobs/uploads/?digest=nonsense', '400'],
])('Expect: 100-continue is not answered for %s', async (_, line, status) => {
  await using running = await bench();
  const { connect } = running;
  const client = await connect();
  client.send(...head(line, 'Content-Length: 99999999', 'Expect: 100-continue'));
  const answer = await client.until(/"errors"/);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).not.toContain('100 Continue');
});

test('Expect: 100-continue is answered where the content will be taken', async () => {
  await using running = await bench();
  const { session, connect } = running;
  const client = await connect();
  client.send(...head(`PATCH ${session}`, 'Content-Length: 500', 'Expect: 100-continue'));
  await client.until(/^HTTP\/1.1 100 Continue\r\n\r\n/);
  client.send(half);
  await client.until(/HTTP\/1.1 202 /);
});

test('a body longer than its length is no HTTP, and the session stays', async () => {
  await using running = await bench();
  const { session, size, connect } = running;
  const client = await connect();
  client.send(...head(`PATCH ${session}`, 'Content-Length: 500'));
  client.send(`${half}and more\r\n\r\n`);
  await client.until(/400 Bad Request/);
  expect(['0-0', '0-499']).toContain(await size());
});

test('uploads of many clients at once do not mix', async () => {
  await using running = await bench();
  const { registry } = running;
  const push = async (n: number) => {
    const own = Buffer.alloc(5000, `client ${n} `);
    const session = await startUpload(registry, 'a');
    const patched = await send(registry, `PATCH ${session}`, { body: own.subarray(0, 2000) });
    const done = await send(registry, `PUT ${locationOf(patched)}?digest=${digestOf(own)}`, {
      body: own.subarray(2000),
    });
    expect(done.status).toBe(201);
  };
  await Promise.all(Array.from({ length: 50 }, (_, n) => push(n)));
});

test('the address of an HTTP/2 client that is gone is known for the audit and the throttle', async () => {
  const [asked, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const address = Promise.withResolvers<string>();
  const authorizer: Authorizer = {
    anonymous: OPEN_GRANT,
    authorize: async (caller) => {
      asked.resolve();
      await gone.promise;
      address.resolve(caller.address);
      return OPEN_GRANT;
    },
  };
  const server = createHttp2Server(createTestRegistry({ authorizer }).app);
  server.on('session', (session) => session.once('close', () => setImmediate(gone.resolve)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  await using _ = { [Symbol.asyncDispose]: async () => void server.close() };
  const bound = server.address();
  const port = typeof bound === 'object' ? bound?.port : undefined;
  const client = connectHttp2(`http://127.0.0.1:${port}`);
  client.request({ ':path': '/v2/' }).on('error', () => {});
  await asked.promise;
  client.destroy();
  expect(await address.promise).toBe('127.0.0.1');
});
