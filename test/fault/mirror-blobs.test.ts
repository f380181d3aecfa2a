import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Digest } from '../../src/oci/digest.ts';
import type { RegistryServer } from '../support/registry-server.ts';
import { makeScratch } from '../support/scratch.ts';
import { pull, startFaultMirror, storageCheck } from '../support/upstream/fault-mirror.ts';
import {
  answer,
  bend,
  cutAfter,
  hangUp,
  redirect,
  send,
  stallAfter,
  withoutSize,
  wrongBytes,
} from '../support/upstream/faults.ts';
import { type Fault, ScriptedUpstream } from '../support/upstream/scripted-upstream.ts';

/*
 * What an upstream can do wrong while it sends a blob: nothing wrong is ever stored or ended as if complete, what
 * can be resumed is, and afterwards a good upstream serves it. The parts by themselves: test/unit/mirror.
 */

const MiB = 1024 * 1024;
/** One that comes in one piece, and one that is fetched in several ranges; TLS has a way of its own. */
const KINDS = [
  { size: MiB, scheme: 'http' },
  { size: 24 * MiB, scheme: 'http' },
  { size: 24 * MiB, scheme: 'https' },
] as const;
const held = new AsyncDisposableStack();
/** What the test at hand asks. */
let upstream: ScriptedUpstream;
let upstreams: Readonly<Record<'http' | 'https', ScriptedUpstream>>;
let guarded: ScriptedUpstream;
let mirror: RegistryServer;
let check: ReturnType<typeof storageCheck>;

beforeAll(async () => {
  const scratch = held.use(makeScratch());
  upstreams = {
    http: held.use(await ScriptedUpstream.start()),
    https: held.use(await ScriptedUpstream.start({ tls: true })),
  };
  upstream = upstreams.http;
  guarded = held.use(await ScriptedUpstream.start({ auth: 'token' }));
  mirror = held.use(
    await startFaultMirror({
      directory: scratch.path,
      upstreams: [
        { name: 'http.example', urls: [upstreams.http.url] },
        { name: 'https.example', urls: [upstreams.https.url], insecure: true },
        { name: 'guarded.example', urls: [guarded.url] },
      ],
    }),
  );
  check = storageCheck(mirror.root);
});
afterAll(() => held.disposeAsync());

const absent: Digest[] = [];
afterEach(async () => {
  upstream.heal();
  guarded.heal();
  await check(absent.splice(0));
});

/** A blob of its own for each test, so that none is here already. */
function fresh(size: number, from = upstream): { content: Buffer; digest: Digest } {
  const content = randomBytes(size);
  return { content, digest: from.addBlob(content) };
}

const read = (digest: Digest, name = upstream === upstreams.https ? 'https.example' : 'http.example') =>
  pull(mirror.url, `/v2/${name}/team/app/blobs/${digest}`);

/** The upstream is good again: what it has is served, at the latest when it is tried again. */
async function expectServed(digest: Digest): Promise<void> {
  upstream.heal();
  await expect.poll(async () => (await read(digest)).digest, { timeout: 20_000, interval: 250 }).toBe(digest);
}

const others = (content: Buffer): Buffer => randomBytes(content.length);
/** The same for whichever range is asked for. */
const whole = (body: Buffer): Fault => send(200, body, { 'content-length': String(body.length) });

describe.each(KINDS)('a blob of $size bytes by $scheme', ({ size, scheme }) => {
  beforeAll(() => {
    upstream = upstreams[scheme];
  });
  afterAll(() => {
    upstream = upstreams.http;
  });

  const RESUMED: readonly [string, (content: Buffer) => void][] = [
    ['is cut once', () => upstream.on(/GET .*blobs/, cutAfter(size / 4), 1)],
    ['is cut three times', () => upstream.on(/GET .*blobs/, cutAfter(size / 8), 3)],
    ['stalls once', () => upstream.on(/GET .*blobs/, stallAfter(size / 4), 1)],
    ['is cut and then refused by 500', () => failing(answer(500))],
    ['is cut and then hung up on', () => failing(hangUp, 1)],
    ['is cut and then limited for a second', () => failing(answer(429, { 'retry-after': '1' }), 1)],
    ['is cut and then limited for no told time', () => failing(answer(429), 1)],
    [
      'is sent whole whatever range is asked for, and cut',
      (content) => {
        upstream.on(/GET .*blobs/, whole(content));
        upstream.on(/GET .*blobs/, cutWhole(content, size / 4), 1);
      },
    ],
    [
      'comes without any size, and is cut',
      (content) => {
        upstream.on(/blobs/, withoutSize(content));
        upstream.on(/GET .*blobs/, withoutSize(content, { cutAfter: size / 4 }), 1);
      },
    ],
  ];

  function failing(fault: Fault, times = 2): void {
    upstream.on(/GET .*blobs/, fault, times);
    upstream.on(/GET .*blobs/, cutAfter(size / 4), 1);
  }

  // What a test before this one did to the upstream, or a slow machine, must not be what this one sees.
  beforeEach(async () => expectServed(fresh(1_000).digest));

  test.each(RESUMED)('that %s arrives whole all the same', async (_, script) => {
    const { content, digest } = fresh(size);
    script(content);
    const seen = upstream.requests.length;
    const got = await read(digest);
    expect(got).toMatchObject({ status: 200, ended: true, bytes: size, digest });
    const asked = upstream.requests.slice(seen).filter(({ method }) => method === 'GET');
    expect(asked.length).toBeGreaterThan(1);
    // What was there is not fetched again: the next request asks behind it.
    const starts = asked.map(({ headers }) => Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0));
    expect(starts.slice(1).every((start) => start > 0)).toBe(true);
    upstream.on(/./, hangUp);
    expect(await read(digest)).toMatchObject({ status: 200, digest });
  });

  /** With the status that is told; 200 where something of it was sent on before it was seen to be wrong. */
  const BROKEN: readonly [string, number, (content: Buffer) => Fault][] = [
    ['has wrong bytes', 200, () => wrongBytes],
    ['is another one of the same size', 200, (content) => whole(others(content))],
    ['is shorter', 200, (content) => whole(content.subarray(0, -1))],
    ['is longer', 200, (content) => whole(Buffer.concat([content, Buffer.from('x')]))],
    ['is nothing', 502, () => whole(Buffer.alloc(0))],
    ['has less than its length says', 200, () => short],
    ['is shorter, and without any size', 200, (content) => withoutSize(content.subarray(0, -1))],
    ['is an error page', 200, () => send(200, '<html>', { 'content-type': 'text/html' })],
    ['is compressed on the way', 502, (content) => send(200, content, { 'content-encoding': 'gzip' })],
    ['is another range than was asked for', 502, () => otherRange],
    ['redirects in a circle', 502, () => redirect(({ url }) => url.pathname)],
    ['is not there any more', 404, () => answer(404)],
    ['is refused by 500', 502, () => answer(500)],
    ['is limited', 429, () => answer(429, { 'retry-after': '1' })],
  ];

  test.each(BROKEN)('that %s is never ended as if complete, nor kept', async (_, status, fault) => {
    const { content, digest } = fresh(size);
    absent.push(digest);
    upstream.on(/blobs/, fault(content));
    const got = await read(digest);
    expect(got).toMatchObject({ status, ended: status !== 200 });
    await check(absent.splice(0));
    await expectServed(digest);
  });
});

test('a blob whose rest is of another size than its beginning is never ended as if complete', async () => {
  const { content, digest } = fresh(24 * MiB);
  absent.push(digest);
  upstream.on(/GET .*blobs/, ({ req, res }, next) => {
    const start = Number(/^bytes=(\d+)-/.exec(req.headers.range ?? '')?.[1] ?? 0);
    if (start === 0) return next();
    const rest = content.subarray(start);
    const headers = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length + 1}` };
    res.writeHead(206, { ...headers, 'content-length': rest.length }).end(rest);
  });
  expect((await read(digest)).ended).toBe(false);
  await check(absent.splice(0));
  await expectServed(digest);
});

test('a blob behind a token is resumed with another token when the first is refused in the middle', async () => {
  const { digest, content } = fresh(24 * MiB, guarded);
  guarded.on(
    /GET .*blobs/,
    bend((body, res) => {
      guarded.forgetTokens();
      res.write(body.subarray(0, body.length / 2), () => setImmediate(() => res.socket?.destroy()));
    }),
    2,
  );
  const got = await read(digest, 'guarded.example');
  expect(got).toMatchObject({ status: 200, ended: true, bytes: content.length, digest });
  expect(guarded.tokensGiven).toBeGreaterThan(1);
});

test('more than the length says does not get through', async () => {
  const { content, digest } = fresh(MiB);
  upstream.on(/GET .*blobs/, ({ res }) => {
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n`;
    res.socket?.write(Buffer.concat([Buffer.from(head), content, Buffer.from('HTTP/1.1 200 OK and more')]));
  });
  const got = await read(digest);
  expect(got.bytes).toBeLessThanOrEqual(content.length);
  // It may be seen too late to break the client off, but then the blob is right.
  expect(!got.ended || got.digest === digest).toBe(true);
  await expectServed(digest);
});

/** All of a content whatever is asked for, cut after so many bytes. */
function cutWhole(content: Buffer, bytes: number): Fault {
  return ({ res }) => {
    res.writeHead(200, { 'content-length': content.length });
    res.write(content.subarray(0, bytes), () => setImmediate(() => res.socket?.destroy()));
  };
}

/** Half of what the headers promise, then the end of the connection; of the rest nothing. */
const short: Fault = (exchange, next) => {
  const start = /^bytes=(\d+)-/.exec(exchange.req.headers.range ?? '')?.[1] ?? '0';
  const half = bend((body, res) => {
    res.write(start === '0' ? body.subarray(0, body.length / 2) : '', () =>
      setImmediate(() => res.socket?.end()),
    );
  });
  half(exchange, next);
};

/** Not the bytes that were asked for, and honest about it. */
const otherRange: Fault = ({ res }) => {
  res.writeHead(206, { 'content-range': 'bytes 7-16/1000', 'content-length': 10 }).end('0123456789');
};
