import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { BodyBuffers } from '../../../src/operations/body-buffers.ts';
import type { RequestHandler } from '../../../src/operations/exchange.ts';
import { type Listener, type ListenOptions, listen } from '../../../src/operations/listener.ts';
import { readBody } from '../../../src/operations/request-body.ts';
import { RawClient } from '../../support/raw-client.ts';

const open: Listener[] = [];

async function serve(handler: RequestHandler, options: Partial<ListenOptions> = {}): Promise<Listener> {
  const listener = await listen(handler, { address: '127.0.0.1:0', ...options });
  open.push(listener);
  return listener;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close({ drain: 0 })));
});

const answer: RequestHandler = (_req, res) => {
  res.setHeader('content-length', 2);
  res.end('ok');
};

/** Answers 404 and does not look at the body. */
const refuseAll: RequestHandler = (_req, res) => {
  res.statusCode = 404;
  res.setHeader('content-length', 4);
  res.end('nope');
};

function bodyOf(received: string): unknown {
  return JSON.parse(received.slice(received.indexOf('\r\n\r\n') + 4));
}

describe('addresses', () => {
  it('listens on every interface for ":port"', async () => {
    const listener = await serve(answer, { address: ':0' });
    using client = await RawClient.connect(listener.port);
    client.send('GET / HTTP/1.1', 'Host: a', '', '');
    expect(await client.until(/ok$/)).toMatch(/^HTTP\/1\.1 200/);
  });

  it('tells the address that it got', async () => {
    const listener = await serve(answer, { address: 'localhost:0' });
    expect(listener.address).toBe(`127.0.0.1:${listener.port}`);
  });

  it('refuses an address that is taken', async () => {
    const first = await serve(answer);
    await expect(serve(answer, { address: first.address })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it.each(['5000', 'a:b', '127.0.0.1:99999', '[::1:5000'])('refuses %s', async (address) => {
    await expect(serve(answer, { address })).rejects.toThrow(`cannot listen on ${address}`);
  });

  it('listens on a Unix socket, also where a killed server left one', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'listener-'));
    const path = join(directory, 'registry.sock');
    const killed = createServer();
    await new Promise<void>((resolve) => killed.listen(path, resolve));
    // What a kill leaves: the socket's file with nobody behind it.
    const { rename } = await import('node:fs/promises');
    await rename(path, `${path}.kept`);
    await new Promise((resolve) => killed.close(resolve));
    await rename(`${path}.kept`, path);
    const listener = await serve(answer, { address: path, network: 'unix' });
    const status = await new Promise((resolve) => {
      httpRequest({ socketPath: path, path: '/' }, (res) => resolve(res.statusCode)).end();
    });
    expect(status).toBe(200);
    expect(listener.port).toBe(0);
    await expect(listen(answer, { address: path, network: 'unix' })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await listener.close({ drain: 0 });
    await rm(directory, { recursive: true });
  });
});

describe('requests that Node refuses', () => {
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['an unknown method', 'FETCH /v2/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a bad header', 'GET /v2/ HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n', 400],
    ['two lengths', 'PUT /v2/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    [
      'length and chunks',
      'PUT /v2/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['headers too long', `GET /v2/${'a'.repeat(70_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
    ['no Host', 'GET /v2/ HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', 'GET /v2/ HTTP/1.1\r\nHost: a\r\nHOST: b\r\n\r\n', 400],
    ['an expectation', 'GET /v2/ HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nConnection: close\r\n\r\n', 417],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 405],
  ])('answers %s with the JSON of the specification', async (_name, text, status) => {
    const listener = await serve(answer);
    using client = await RawClient.connect(listener.port);
    client.send(text);
    const received = await client.until(/\]\}$/);
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(received).toMatch(/\r\ncontent-type: application\/json\r\n/i);
    expect(bodyOf(received)).toMatchObject({
      errors: [{ code: expect.any(String), message: expect.any(String) }],
    });
  });

  it('answers a TLS handshake in HTTP, from which Go clients tell the mistake', async () => {
    const listener = await serve(answer);
    using client = await RawClient.connect(listener.port);
    client.socket.write(Buffer.from('16030100050100000100', 'hex'));
    expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 400 [\s\S]*plain HTTP/);
  });

  it('answers a refused request to a client that writes on before it reads', async () => {
    const listener = await serve(answer);
    using client = await RawClient.connect(listener.port);
    client.socket.pause();
    client.send('FETCH /v2/ HTTP/1.1', 'Host: a', '', '');
    await client.flood(20 * 1024 * 1024);
    client.socket.end();
    client.socket.resume();
    expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 400/);
  });

  it('refuses a broken chunk in a body, and the reader learns of it', async () => {
    const seen: string[] = [];
    const listener = await serve(async (req, res) => {
      try {
        for await (const chunk of readBody(req, res, { idle: 1000, buffers: new BodyBuffers() }))
          seen.push(chunk.toString());
      } catch (error) {
        seen.push(String(error));
      }
    });
    using client = await RawClient.connect(listener.port);
    client.send('PUT / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', '', '3', 'abc', 'zz', '');
    expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 400/);
    await expect.poll(() => seen).toEqual(['abc', expect.stringContaining('ClientGoneError')]);
  });

  it('gives up headers that do not end', async () => {
    const listener = await serve(answer, { times: { headers: 50 } });
    using client = await RawClient.connect(listener.port);
    client.send('GET / HTTP/1.1', 'Host: a', '');
    expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 408[\s\S]*did not arrive in time/);
  });

  it('gives up a connection on which nothing comes at all', async () => {
    const listener = await serve(answer, { times: { headers: 50 } });
    using client = await RawClient.connect(listener.port);
    expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 408/);
  });
});

describe('an answer before the end of the body', () => {
  const size = 100 * 1024 * 1024;

  it.each([
    ['a length', `Content-Length: ${size}`],
    ['chunks', 'Transfer-Encoding: chunked'],
  ])('reaches a client that reads only when all is written (%s)', async (_name, header) => {
    const listener = await serve(refuseAll);
    using client = await RawClient.connect(listener.port);
    client.socket.pause();
    client.send('PATCH /v2/a/blobs/uploads/b HTTP/1.1', 'Host: a', header, '', '');
    if (header.startsWith('Transfer')) client.send(size.toString(16), '');
    await client.flood(size);
    client.socket.resume();
    const received = await client.untilEnd();
    expect(received).toMatch(/^HTTP\/1\.1 404 /);
    expect(received).toMatch(/\r\nConnection: close\r\n/);
    expect(received).toMatch(/nope$/);
  });

  it('reaches it as well when a part of the body was read', async () => {
    const listener = await serve(async (req, res) => {
      for await (const _ of readBody(req, res, { idle: 1000, buffers: new BodyBuffers() })) break;
      refuseAll(req, res);
    });
    using client = await RawClient.connect(listener.port);
    client.socket.pause();
    client.send('PATCH / HTTP/1.1', 'Host: a', `Content-Length: ${size}`, '', '');
    await client.flood(size);
    client.socket.resume();
    expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 404 [\s\S]*nope$/);
  });

  it('ends at once on our side, and wholly when nothing more comes', async () => {
    const closed = Promise.withResolvers<void>();
    const handler: RequestHandler = (req, res) => {
      req.socket.once('close', () => closed.resolve());
      refuseAll(req, res);
    };
    const listener = await serve(handler, { linger: { bytes: 1e9, time: 10_000, idle: 50 } });
    using client = await RawClient.connect(listener.port);
    client.send('PATCH / HTTP/1.1', 'Host: a', `Content-Length: ${size}`, '', 'x');
    await client.untilEnd();
    await closed.promise;
  });

  it('is bounded in bytes', async () => {
    const listener = await serve(refuseAll, { linger: { bytes: 1e6, time: 10_000, idle: 100 } });
    using client = await RawClient.connect(listener.port);
    client.send('PATCH / HTTP/1.1', 'Host: a', 'Content-Length: 1000000000000', '', '');
    await client.flood(1e12);
    expect(client.socket.destroyed).toBe(true);
  });

  it('keeps the connection where little of the body is left', async () => {
    const listener = await serve(refuseAll);
    using client = await RawClient.connect(listener.port);
    client.send('PUT / HTTP/1.1', 'Host: a', 'Content-Length: 100000', '', '');
    await client.until(/nope$/);
    client.send('a'.repeat(100_000));
    client.send('GET / HTTP/1.1', 'Host: a', 'Connection: close', '', '');
    expect((await client.untilEnd()).match(/nope/g)).toHaveLength(2);
  });

  it('keeps the connection after a large body that was read', async () => {
    const listener = await serve(async (req, res) => {
      for await (const _ of readBody(req, res, { idle: 1000, buffers: new BodyBuffers() }));
      answer(req, res);
    });
    using client = await RawClient.connect(listener.port);
    client.send('PUT / HTTP/1.1', 'Host: a', 'Content-Length: 1000000', '', 'a'.repeat(1_000_000));
    expect(await client.until(/ok$/)).toMatch(/Connection: keep-alive/);
    client.send('GET / HTTP/1.1', 'Host: a', 'Connection: close', '', '');
    expect((await client.untilEnd()).match(/ok/g)).toHaveLength(2);
  });
});

describe('Expect: 100-continue', () => {
  const ask = ['PUT / HTTP/1.1', 'Host: a', 'Content-Length: 3', 'Expect: 100-continue', '', ''];

  it('is answered when the body is first read', async () => {
    const listener = await serve(async (req, res) => {
      for await (const _ of readBody(req, res, { idle: 1000, buffers: new BodyBuffers() }));
      answer(req, res);
    });
    using client = await RawClient.connect(listener.port);
    client.send(...ask);
    expect(await client.until(/\r\n\r\n/)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('abc');
    expect(await client.until(/ok$/)).toMatch(/HTTP\/1\.1 200 OK/);
  });

  it('is not answered by an error that comes before', async () => {
    const listener = await serve(refuseAll);
    using client = await RawClient.connect(listener.port);
    client.send(...ask);
    expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 404 [\s\S]*nope$/);
  });
});

describe('closing', () => {
  /** Answers when told to. */
  function held(): { handler: RequestHandler; release: () => void; arrived: Promise<void> } {
    const arrived = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const handler: RequestHandler = async (req, res) => {
      arrived.resolve();
      await gate.promise;
      answer(req, res);
    };
    return { handler, release: gate.resolve, arrived: arrived.promise };
  }

  it('ends idle connections at once and lets a request under way finish', async () => {
    const { handler, release, arrived } = held();
    const listener = await serve(handler);
    using idle = await RawClient.connect(listener.port);
    using busy = await RawClient.connect(listener.port);
    busy.send('GET / HTTP/1.1', 'Host: a', '', '');
    await arrived;
    const closed = listener.close({ drain: 10_000 });
    await idle.untilEnd();
    idle.socket.end();
    release();
    expect(await busy.untilEnd()).toMatch(/ok$/);
    busy.socket.end();
    expect(await closed).toBe(0);
    await expect(RawClient.connect(listener.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('cuts what is left after the time given', async () => {
    const { handler, arrived } = held();
    const listener = await serve(handler);
    using busy = await RawClient.connect(listener.port);
    busy.send('GET / HTTP/1.1', 'Host: a', '', '');
    await arrived;
    expect(await listener.close({ drain: 20 })).toBe(1);
    expect(await busy.untilEnd()).toBe('');
  });

  it('cuts at once when no time is given', async () => {
    const { handler, arrived } = held();
    const listener = await serve(handler);
    using busy = await RawClient.connect(listener.port);
    busy.send('GET / HTTP/1.1', 'Host: a', '', '');
    await arrived;
    expect(await listener.close({ drain: 0 })).toBe(1);
  });
});

describe('slow clients', () => {
  it('gives up one that takes nothing of its answer', async () => {
    const ended = Promise.withResolvers<boolean>();
    const listener = await serve(
      (_req, res) => {
        res.on('close', () => ended.resolve(res.writableFinished));
        res.end(Buffer.alloc(64 * 1024 * 1024));
      },
      { times: { stall: 50 } },
    );
    using client = await RawClient.connect(listener.port);
    client.socket.pause();
    client.send('GET / HTTP/1.1', 'Host: a', '', '');
    expect(await ended.promise).toBe(false);
  });

  it('waits for an answer that takes its time', async () => {
    const listener = await serve((req, res) => void setTimeout(() => answer(req, res), 200), {
      times: { stall: 50 },
    });
    using client = await RawClient.connect(listener.port);
    client.send('GET / HTTP/1.1', 'Host: a', '', '');
    expect(await client.until(/ok$/)).toMatch(/^HTTP\/1\.1 200/);
  });

  it('ends an upload on which nothing comes with 408', async () => {
    const listener = await serve(async (req, res) => {
      try {
        for await (const _ of readBody(req, res, { idle: 30, buffers: new BodyBuffers() }));
      } catch (error) {
        res.statusCode = 408;
        res.end(JSON.stringify(error));
      }
    });
    using client = await RawClient.connect(listener.port);
    client.send('PATCH / HTTP/1.1', 'Host: a', 'Content-Length: 1000000', '', 'abc');
    expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 408 [\s\S]*nothing came/);
  });

  it('does not count the time in which the reader itself is busy', async () => {
    const listener = await serve(async (req, res) => {
      let size = 0;
      for await (const chunk of readBody(req, res, { idle: 60, buffers: new BodyBuffers() })) {
        size += chunk.length;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      res.end(`got ${size}`);
    });
    using client = await RawClient.connect(listener.port);
    client.send('PATCH / HTTP/1.1', 'Host: a', 'Content-Length: 3', '', 'abc');
    expect(await client.until(/got 3/)).toMatch(/^HTTP\/1\.1 200/);
  });
});
