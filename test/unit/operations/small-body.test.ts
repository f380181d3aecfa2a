import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { readSmallBody } from '../../../src/operations/request-body.ts';

const CHUNKS = 30_000;

function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

it('a body in chunks of a byte takes no more memory than it has bytes, or little', async () => {
  const arrived = Promise.withResolvers<void>();
  const body = Promise.withResolvers<Buffer>();
  const server = createServer((req, res) => {
    let count = 0;
    readSmallBody(req, res, { limit: 4 * 1024 * 1024, idle: 30_000 }).then(body.resolve, body.reject);
    req.on('data', (chunk: Buffer) => {
      count += chunk.length;
      if (count === CHUNKS) arrived.resolve();
    });
    void body.promise.then(() => res.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const before = heapInUse();
  const socket = connect(port, '127.0.0.1');
  socket.resume();
  socket.write('PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n');
  socket.write('1\r\nx\r\n'.repeat(CHUNKS));
  await arrived.promise;
  expect(heapInUse() - before).toBeLessThan(1_500_000);
  socket.write('3\r\nyyy\r\n0\r\n\r\n');
  expect((await body.promise).toString()).toBe(`${'x'.repeat(CHUNKS)}yyy`);
  await once(socket, 'close');
  server.close();
});
