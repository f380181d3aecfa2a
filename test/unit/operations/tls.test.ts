import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { withAccessLog } from '../../../src/operations/access-log.ts';
import { BodyBuffers } from '../../../src/operations/body-buffers.ts';
import { followCertificate } from '../../../src/operations/certificate-reload.ts';
import { clientAddress } from '../../../src/operations/client-address.ts';
import type { RequestHandler } from '../../../src/operations/exchange.ts';
import { withMetrics } from '../../../src/operations/handler-wrappers.ts';
import { type Listener, listen } from '../../../src/operations/listener.ts';
import { createLogs } from '../../../src/operations/logs.ts';
import { createMetrics } from '../../../src/operations/metrics.ts';
import { readBody } from '../../../src/operations/request-body.ts';
import { readTlsMaterial, type TlsOptions } from '../../../src/operations/tls-settings.ts';

const file = (name: string) => new URL(`../../support/tls/${name}`, import.meta.url).pathname;
const ca = await readFile(file('ca.pem'));
const own: TlsOptions = { certificate: file('server.pem'), key: file('server.key') };

const open: Listener[] = [];

async function serve(
  handler: RequestHandler,
  tls: Partial<TlsOptions> = {},
  http2 = true,
): Promise<Listener> {
  const listener = await listen(handler, { address: '127.0.0.1:0', tls: { ...own, ...tls }, http2 });
  open.push(listener);
  return listener;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close({ drain: 0 })));
});

const answer: RequestHandler = (req, res) => {
  res.setHeader('x-version', req.httpVersion);
  res.end('ok');
};

interface Client {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly maxVersion?: 'TLSv1.2';
  readonly ciphers?: string;
}

/** The version of HTTP in which a GET was answered. */
function get(port: number, client: Client = {}): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const req = request({ port, host: '127.0.0.1', ca, agent: false, ...client }, (res) => {
    res.resume();
    resolve(res.headers['x-version']);
  });
  req.on('error', reject).end();
  return promise;
}

async function clientOf(name: string): Promise<Client> {
  return { cert: await readFile(file(`${name}.pem`)), key: await readFile(file(`${name}.key`)) };
}

describe('TLS', () => {
  it.each([true, false])('serves HTTP/1.1 (HTTP/2 offered: %s)', async (http2) => {
    const { port } = await serve(answer, {}, http2);
    expect(await get(port)).toBe('1.1');
  });

  it('refuses versions below the minimum', async () => {
    const { port } = await serve(answer, { minimumtls: 'tls1.3' });
    await expect(get(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
    expect(await get(port)).toBe('1.1');
  });

  it('takes cipher suites by Go’s names', async () => {
    const { port } = await serve(answer, { ciphersuites: ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'] });
    expect(await get(port, { maxVersion: 'TLSv1.2' })).toBe('1.1');
    await expect(
      get(port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }),
    ).rejects.toThrow();
    await expect(serve(answer, { ciphersuites: ['TLS_NULL'] })).rejects.toThrow(
      'unknown cipher suites: TLS_NULL',
    );
  });

  it('refuses a key that does not fit', async () => {
    await expect(serve(answer, { key: file('client.key') })).rejects.toThrow();
  });

  it.each<[NonNullable<TlsOptions['clientauth']>, Record<'none' | 'stranger' | 'client', boolean>]>([
    ['require-and-verify-client-cert', { none: false, stranger: false, client: true }],
    ['require-any-client-cert', { none: false, stranger: true, client: true }],
    ['verify-client-cert-if-given', { none: true, stranger: false, client: true }],
    ['request-client-cert', { none: true, stranger: true, client: true }],
  ])('asks clients for certificates by %s', async (clientauth, expected) => {
    const { port } = await serve(answer, { clientcas: [file('ca.pem')], clientauth });
    const taken = async (client: Client) =>
      get(port, client).then(
        () => true,
        () => false,
      );
    expect({
      none: await taken({}),
      stranger: await taken(await clientOf('stranger')),
      client: await taken(await clientOf('client')),
    }).toEqual(expected);
  });

  it('puts a renewed certificate into service, and keeps the old one when the new one is broken', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tls-'));
    const options = { certificate: join(directory, 'c.pem'), key: join(directory, 'c.key') };
    const place = async (name: string) => {
      await copyFile(file(`${name}.pem`), options.certificate);
      await copyFile(file(`${name}.key`), options.key);
    };
    await place('server');
    const current = await readTlsMaterial(options);
    const applied: string[] = [];
    const stop = followCertificate({
      options,
      current,
      logger: undefined,
      every: 1,
      apply: ({ cert }) => void applied.push(String(cert)),
    });
    await copyFile(file('client.key'), options.key);
    await place('renewed');
    const renewed = await readFile(file('renewed.pem'), 'utf8');
    await expect.poll(() => applied).toEqual([renewed]);
    stop();
    await rm(directory, { recursive: true });
  });

  it.each([
    ['http.tls.certificate cannot be read', { certificate: '/nowhere/c.pem' }],
    ['http.tls.key cannot be read', { key: '/nowhere/c.key' }],
    ['http.tls.clientcas[1] cannot be read', { clientcas: [file('ca.pem'), '/nowhere/ca.pem'] }],
    ['http.tls cannot be used', { key: file('client.key') }],
  ])('tells that %s', async (message, tls) => {
    await expect(readTlsMaterial({ ...own, ...tls })).rejects.toThrow(message);
  });

  it('shows the certificate of its file', async () => {
    const { port } = await serve(answer);
    const shown = await new Promise<PeerCertificate>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', ca }, () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      });
    });
    expect(shown.subject.CN).toBe('server');
  });
});

describe('HTTP/2', () => {
  async function session(port: number) {
    const client = connectHttp2(`https://127.0.0.1:${port}`, { ca, maxSessionMemory: 1000 });
    client.on('error', () => {});
    return client;
  }

  interface Exchange {
    readonly status: number | undefined;
    readonly body: string;
  }

  function exchange(
    client: Awaited<ReturnType<typeof session>>,
    headers: Record<string, string>,
    body?: Buffer,
  ) {
    const { promise, resolve, reject } = Promise.withResolvers<Exchange>();
    const stream = client.request(headers, { endStream: body === undefined });
    let status: number | undefined;
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', (got) => {
      status = got[':status'];
    });
    stream.on('data', (chunk) => {
      text += String(chunk);
    });
    stream.on('end', () => resolve({ status, body: text }));
    stream.on('error', reject);
    if (body !== undefined) stream.end(body);
    return promise;
  }

  it('takes a large body', async () => {
    const listener = await serve(async (req, res) => {
      let size = 0;
      for await (const chunk of readBody(req, res, { idle: 1000, buffers: new BodyBuffers() }))
        size += chunk.length;
      res.end(`${size} by ${req.httpVersion}`);
    });
    const client = await session(listener.port);
    const body = Buffer.alloc(20_000_000);
    const got = await exchange(client, { ':path': '/v2/a', ':method': 'PATCH' }, body);
    expect(got).toEqual({ status: 200, body: '20000000 by 2.0' });
    client.close();
  });

  it('answers before the end of a body', async () => {
    const listener = await serve((_req, res) => {
      res.statusCode = 404;
      res.end('nope');
    });
    const client = await session(listener.port);
    const got = await exchange(client, { ':path': '/v2/a', ':method': 'PATCH' }, Buffer.alloc(50_000_000));
    expect(got).toEqual({ status: 404, body: 'nope' });
    client.close();
  });

  it.each(['stream', 'session'])('tells the reader of a %s that ended early, and lives on', async (cut) => {
    const seen = Promise.withResolvers<unknown>();
    const listener = await serve(async (req, res) => {
      if (req.method === 'GET') return answer(req, res);
      try {
        for await (const _ of readBody(req, res, { idle: 1000, buffers: new BodyBuffers() }));
        seen.resolve('whole');
      } catch (error) {
        seen.resolve(error);
      }
    });
    const client = await session(listener.port);
    const stream = client.request({ ':path': '/', ':method': 'PATCH', 'content-length': '100' });
    stream.on('error', () => {});
    stream.write('abc', () => (cut === 'stream' ? stream.close(8) : client.destroy()));
    expect(await seen.promise).toMatchObject({ code: 'CLIENT_GONE' });
    const other = await session(listener.port);
    expect(await exchange(other, { ':path': '/' })).toMatchObject({ status: 200 });
    client.close();
    other.close();
  });

  it('is logged and counted like any other, whether it ends well or not', async () => {
    const lines: unknown[] = [];
    const { always } = createLogs({
      level: 'info',
      formatter: 'json',
      destination: { write: (line) => void lines.push(JSON.parse(line)) },
    });
    const metrics = createMetrics();
    const arrived = Promise.withResolvers<void>();
    const handler: RequestHandler = (req, res) =>
      req.method === 'GET' ? answer(req, res) : arrived.resolve();
    const counted = withMetrics(handler, metrics.http);
    const listener = await serve(
      withAccessLog(counted, { logger: always, address: (req) => clientAddress(req) }),
    );
    const client = await session(listener.port);
    await exchange(client, { ':path': '/v2/' });
    const stream = client.request({ ':path': '/v2/', ':method': 'PATCH' });
    stream.on('error', () => {});
    stream.write('abc');
    await arrived.promise;
    client.destroy();
    await expect.poll(() => lines).toHaveLength(2);
    expect(lines).toMatchObject([
      { method: 'GET', status: 200, address: '127.0.0.1' },
      { method: 'PATCH', cut: true, address: '127.0.0.1' },
    ]);
    expect(lines[0]).not.toHaveProperty('cut');
    expect((await metrics.exposition()).text).toContain(
      'requests_total{handler="base",code="200",method="patch"} 1',
    );
  });

  it('drains: a stream under way ends, the session after it', async () => {
    const arrived = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const listener = await serve(async (req, res) => {
      arrived.resolve();
      await gate.promise;
      answer(req, res);
    });
    const client = await session(listener.port);
    const got = exchange(client, { ':path': '/' });
    await arrived.promise;
    const closed = listener.close({ drain: 5_000 });
    gate.resolve();
    expect(await got).toMatchObject({ status: 200 });
    expect(await closed).toBe(0);
  });

  it('refuses CONNECT', async () => {
    const { port } = await serve(answer);
    const client = await session(port);
    expect(await exchange(client, { ':method': 'CONNECT', ':authority': 'a:1' })).toMatchObject({
      status: 405,
    });
    client.close();
  });
});
