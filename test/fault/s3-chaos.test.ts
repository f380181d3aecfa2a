import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { type HttpClient, httpClient } from '../support/http-client.ts';
import { pathOf } from '../support/raw-connection.ts';
import { digestOf, RepositoryClient, withDigest } from '../support/registry-client.ts';
import { type RegistryServer, serverUnderTest, startRegistry } from '../support/registry-server.ts';
import { startVersitygw } from '../support/s3-servers.ts';
import { makeScratch } from '../support/scratch.ts';
import { s3Storage } from '../support/storages.ts';
import { startToxiproxy, type Proxy as TcpProxy } from '../support/toxiproxy.ts';

const MIB = 1024 * 1024;

/** Milliseconds of trouble; then everything comes to its end. */
const trouble = 10_000;
const writers = 6;

// Sessions of one server go on at another only where its lock is known: distribution has none.
const suite = serverUnderTest() === 'fairlead' ? describeWith : () => {};

suite(['versitygw', 'toxiproxy'], 'three servers over one bucket, with bad lines and kills', () => {
  const held = new AsyncDisposableStack();
  const servers: RegistryServer[] = [];
  const lines: TcpProxy[] = [];
  let http: HttpClient;

  beforeAll(async () => {
    const { path: directory } = held.use(makeScratch());
    const s3 = held.use(await startVersitygw(directory));
    const toxiproxy = held.use(await startToxiproxy());
    http = held.use(httpClient());
    for (const name of ['one', 'two', 'three']) {
      const line = await toxiproxy.proxy(name, new URL(s3.endpoint).host);
      const storage = s3Storage({ ...s3, endpoint: `http://${line.host}` }, { chunksize: 5 * MIB });
      const config = { storage: { ...storage, redirect: { disable: true } } };
      servers.push(held.use(await startRegistry({ directory, config })));
      lines.push(line);
    }
  });
  afterAll(() => held.disposeAsync());

  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[randomInt(items.length)];
    if (item === undefined) throw new Error('nothing to pick');
    return item;
  };

  /** One after the other, whichever server it hits. */
  const makeTrouble = async (until: number) => {
    while (performance.now() < until) {
      const index = randomInt(servers.length);
      const [line, server] = [lines[index], servers[index]];
      if (line === undefined || server === undefined) return;
      await delay(randomInt(600));
      const kind = randomInt(4);
      if (kind === 0) {
        await server.kill();
        await server.start();
      } else if (kind === 1) {
        await line.disable();
        await delay(randomInt(1_500));
        await line.enable();
      } else {
        const stream = kind === 2 ? 'upstream' : 'downstream';
        await line.add({ name: 'bad', type: 'reset_peer', stream, attributes: { timeout: randomInt(60) } });
        await delay(randomInt(1_000));
        await line.remove('bad');
      }
    }
  };

  /** An answer of any of them; undefined where there was none. */
  const ask = (name: string, ...request: Parameters<RepositoryClient['send']>) =>
    new RepositoryClient(http, { origin: pick(servers).url, name }).send(...request).catch(() => undefined);

  /** Pushes by chunks, each through any server, as long as it takes. @returns the chunks that were acknowledged */
  const push = async (name: string, content: Buffer): Promise<number> => {
    const deadline = performance.now() + 120_000;
    let session: string | undefined;
    let acknowledged = 0;
    let chunks = 0;
    while (performance.now() < deadline) {
      const begun = session === undefined ? await ask(name, 'blobs/uploads/', { method: 'POST' }) : undefined;
      if (begun?.status === 202) session = pathOf(begun.headers.location ?? '');
      const status = session === undefined ? undefined : await ask(name, session);
      if (session === undefined || status === undefined || status.status >= 500) {
        await delay(100);
        continue;
      }
      if (status.status === 404) {
        // Its end had begun, and nobody heard of it.
        expect(acknowledged).toBe(content.length);
        const blob = await ask(name, `blobs/${digestOf(content)}`, { method: 'HEAD' });
        if (blob?.status === 200) return chunks;
        if (blob?.status === 404) {
          session = undefined;
          acknowledged = 0;
        }
        continue;
      }
      expect(status.status).toBe(204);
      const [, last = '0'] = /^0-(\d+)$/.exec(status.headers.range ?? '') ?? [];
      const size = last === '0' ? 0 : Number(last) + 1;
      const isEnding = acknowledged === content.length && size === 0;
      if (!isEnding) expect(size).toBeGreaterThanOrEqual(acknowledged);
      if (size === content.length) {
        acknowledged = size;
        const ended = await ask(name, withDigest(session, digestOf(content)), { method: 'PUT' });
        if (ended?.status === 201) return chunks;
        if (ended !== undefined) expect([404, 409, 503]).toContain(ended.status);
      } else {
        const chunk = content.subarray(size, size + randomInt(1, 3 * MIB));
        const headers = { 'content-range': `${size}-${size + chunk.length - 1}` };
        const answer = await ask(name, session, { method: 'PATCH', headers, body: chunk });
        if (answer?.status === 202) {
          acknowledged = size + chunk.length;
          chunks += 1;
        } else {
          if (isEnding) acknowledged = 0;
          // Another writer's chunk came first where a server died over it: 416 then.
          if (answer !== undefined) expect([404, 409, 416, 503]).toContain(answer.status);
          await delay(200);
        }
      }
    }
    throw new Error(`${name} did not end: ${acknowledged} of ${content.length}`);
  };

  test('every session comes to its end with the bytes it was sent', { timeout: 200_000 }, async () => {
    const contents = Array.from({ length: writers }, () =>
      randomBytes(randomInt(1, 24) * MIB + randomInt(MIB)),
    );
    const pushed = Promise.all(
      contents.map(async (content, number) => {
        let chunks = await push(`chaos/${number}`, content);
        // The small ones do more than one.
        for (let more = 0; more < 4 && content.length < 12 * MIB; more += 1) {
          chunks += await push(`chaos/${number}`, randomBytes(randomInt(MIB, 6 * MIB)));
        }
        return chunks;
      }),
    );
    await Promise.all([pushed, makeTrouble(performance.now() + trouble)]);
    for (const [number, content] of contents.entries()) {
      for (const { url } of servers) {
        const repository = new RepositoryClient(http, { origin: url, name: `chaos/${number}` });
        expect((await repository.getBlob(digestOf(content))).equals(content)).toBe(true);
      }
    }
  });
});
