import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { BodyTooLargeError, readWhole } from '../../../src/mirror/upstream/response-body.ts';
import { UpstreamClient } from '../../../src/mirror/upstream/upstream-client.ts';
import { UpstreamSlow, UpstreamUnreachable } from '../../../src/mirror/upstream/upstream-errors.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { disposing } from '../../support/disposing.ts';

const hold = disposing();

/** A client of an upstream that answers a request for a blob by whatever `send` does; it waits so long for headers. */
async function clientOf(send: (socket: Socket) => void, firstByte = 20_000): Promise<UpstreamClient> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => send(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const timeouts = { connect: 20_000, firstByte, stall: 20_000 };
  const client = new UpstreamClient({ name: 'up', urls: [`http://127.0.0.1:${port}`], timeouts });
  hold({
    async [Symbol.asyncDispose]() {
      await client.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return client;
}

const query = { repository: 'app', digest: digestOf(Buffer.from('blob')) };

describe('an answer over plain HTTP', () => {
  it('is read behind answers of 1xx', async () => {
    const client = await clientOf((socket) => {
      socket.write(
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n',
      );
      setImmediate(() => socket.write('content-length: 4\r\n\r\nblob'));
    });
    const { body } = await client.getBlob(query);
    expect((await readWhole(body, 10)).toString()).toBe('blob');
  });

  it('is not read whole past the bytes that are allowed', async () => {
    const dropped = Promise.withResolvers<void>();
    const client = await clientOf((socket) => {
      socket.on('close', () => dropped.resolve());
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      socket.write('1\r\nx\r\n'.repeat(11));
    });
    const { body } = await client.getBlob(query);
    await expect(readWhole(body, 10)).rejects.toBeInstanceOf(BodyTooLargeError);
    await dropped.promise;
  });

  it('is given up when nothing but 1xx comes', async () => {
    const client = await clientOf((socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(20_000)));
    await expect(client.getBlob(query)).rejects.toBeInstanceOf(UpstreamUnreachable);
  });

  it('is given up when its headers come byte by byte', async () => {
    const client = await clientOf((socket) => {
      const timer = setInterval(() => socket.write('x'), 20);
      socket.on('close', () => clearInterval(timer));
      socket.write('HTTP/1.1 200 OK\r\nx: ');
    }, 100);
    await expect(client.getBlob(query)).rejects.toBeInstanceOf(UpstreamSlow);
  });

  it.each([
    ['a length that is none', 'content-length: many', ''],
    ['two lengths', 'content-length: 4\r\ncontent-length: 5', 'blob'],
    ['another transfer coding', 'transfer-encoding: gzip, chunked', ''],
    ['a chunk without a size', 'transfer-encoding: chunked', 'many\r\n'],
    ['more bytes than it tells', 'content-length: 3', 'blob'],
  ])('is given up at once when it has %s', async (_, header, body) => {
    const client = await clientOf((socket) => socket.write(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n${body}`));
    await expect(client.getBlob(query)).rejects.toBeInstanceOf(UpstreamUnreachable);
  });
});
