import { afterEach, describe, expect, it } from 'vitest';
import type { Fill } from '../../../src/mirror/fill/fills.ts';
import { InProcessS3 } from '../../support/s3/s3-server.ts';
import {
  answer,
  bend,
  cutAfter,
  redirect,
  send,
  stallAfter,
  withoutSize,
  wrongBytes,
} from '../../support/upstream/faults.ts';
import {
  bytes,
  EVERYTHING,
  type FillBench,
  type FillBenchOptions,
  fillBench,
  readFill,
  stored,
} from '../../support/upstream/fill-bench.ts';
import { ScriptedUpstream, unknownDigest } from '../../support/upstream/scripted-upstream.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function upstream(): Promise<ScriptedUpstream> {
  const started = await ScriptedUpstream.start();
  open.push(started);
  return started;
}

async function bench(
  urls: readonly ScriptedUpstream[],
  { bucket, ...options }: Partial<FillBenchOptions> & { readonly bucket?: true } = {},
): Promise<FillBench> {
  const s3 = bucket === undefined ? undefined : await InProcessS3.start();
  if (s3 !== undefined) open.push(s3);
  const stored = s3 === undefined ? {} : { s3 };
  const made = await fillBench({ urls: urls.map(({ url }) => url), ...options, ...stored });
  open.push(made);
  return made;
}

async function storedContent(
  { storage }: FillBench,
  digest: Parameters<FillBench['fill']>[0],
): Promise<Buffer> {
  expect(await storage.layers.find(stored, digest)).toBeDefined();
  return await storage.contents.whole(digest, 1e9);
}

const MiB = 1024 * 1024;

describe.each([
  ['a directory', {}],
  ['a storage with a spool', { spool: 64 * MiB }],
  ['a storage without a spool', { spool: 0 }],
  ['a bucket with a spool', { spool: 64 * MiB, bucket: true }],
  ['a bucket without a spool', { spool: 0, bucket: true }],
] as const)('a fill into %s', (_, kind) => {
  it('gives every reader the bytes and keeps them, for one transfer', async () => {
    const up = await upstream();
    const content = bytes(5 * MiB);
    const digest = up.addBlob(content);
    const it = await bench([up], kind);
    const fills = await Promise.all(Array.from({ length: 10 }, () => it.fill(digest)));
    for (const got of await Promise.all(fills.map((fill) => readFill(fill))))
      expect(got.equals(content)).toBe(true);
    await fills[0]?.kept;
    expect(up.count(/blobs/)).toBe(1);
    expect((await storedContent(it, digest)).equals(content)).toBe(true);
    expect(await it.litter()).toEqual([]);
    expect(it.fills.find(digest)).toBeUndefined();
  });

  it('serves ranges', async () => {
    const up = await upstream();
    const content = bytes(2 * MiB);
    const fill = await (await bench([up], kind)).fill(up.addBlob(content));
    const got = await readFill(fill, MiB + 3, 2 * MiB - 1);
    expect(got.equals(content.subarray(MiB + 3))).toBe(true);
    await fill.kept;
  });

  it('goes on when everybody leaves', async () => {
    const up = await upstream();
    const content = bytes(3 * MiB);
    const digest = up.addBlob(content);
    const it = await bench([up], kind);
    const fill = await it.fill(digest);
    for await (const chunk of fill.read(EVERYTHING, new AbortController().signal)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await fill.kept;
    expect((await storedContent(it, digest)).equals(content)).toBe(true);
  });

  it('resumes what was cut, from the byte it was cut at', async () => {
    const up = await upstream();
    const content = bytes(3 * MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, cutAfter(MiB), 2);
    const it = await bench([up], kind);
    const fill = await it.fill(digest);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
    expect(up.count(/blobs/)).toBe(3);
    expect(up.requests[1]?.headers.range).toMatch(/^bytes=[1-9]\d+-/);
  });

  it('keeps nothing of a wrong digest, and lets no reader end as if complete', async () => {
    const up = await upstream();
    const content = bytes(MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, wrongBytes, 1);
    const it = await bench([up], kind);
    const fill = await it.fill(digest);
    fill.kept.catch(() => {});
    let got = 0;
    const reading = (async () => {
      for await (const chunk of fill.read(EVERYTHING, new AbortController().signal)) got += chunk.length;
    })();
    await expect(reading).rejects.toThrow(/other content/);
    await expect(fill.kept).rejects.toThrow(/other content/);
    expect(got).toBeLessThan(content.length);
    expect(await it.storage.layers.find(stored, digest)).toBeUndefined();
    expect(await it.litter()).toEqual([]);
    const again = await it.fill(digest);
    expect((await readFill(again)).equals(content)).toBe(true);
    await again.kept;
  });

  it('streams a blob whose size nobody tells, and resumes it', async () => {
    const up = await upstream();
    const content = bytes(3 * MiB);
    const digest = up.addBlob(content);
    let letGo = (): void => {};
    const first = withoutSize(content, {
      pauseAfter: MiB,
      until: new Promise((resolve) => (letGo = resolve)),
    });
    up.on(/blobs/, withoutSize(content));
    up.on(/GET .*blobs/, withoutSize(content, { cutAfter: 2 * MiB }), 1);
    up.on(/GET .*blobs/, first, 1);
    const it = await bench([up], kind);
    const fill = await it.fill(digest);
    expect(fill.size).toBeUndefined();
    const got: Buffer[] = [];
    for await (const chunk of fill.read(EVERYTHING, new AbortController().signal)) {
      got.push(Buffer.from(chunk));
      letGo();
    }
    expect(Buffer.concat(got).equals(content)).toBe(true);
    await fill.kept;
    expect((await storedContent(it, digest)).equals(content)).toBe(true);
  });

  it.each([
    ['wrong', (content: Buffer) => Buffer.concat([content.subarray(1), Buffer.from('x')])],
    ['short', (content: Buffer) => content.subarray(0, -1)],
    ['long', (content: Buffer) => Buffer.concat([content, Buffer.from('x')])],
    ['empty', () => Buffer.alloc(0)],
  ])('never ends a %s blob whose size nobody tells', async (_, change) => {
    const up = await upstream();
    const content = bytes(MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, withoutSize(change(content)));
    const it = await bench([up], kind);
    const fill = await it.fill(digest);
    fill.kept.catch(() => {});
    await expect(readFill(fill)).rejects.toThrow(/other content/);
    expect(await it.storage.layers.find(stored, digest)).toBeUndefined();
    expect(await it.litter()).toEqual([]);
  });

  it('does not begin with nothing where there should be something', async () => {
    const up = await upstream();
    const digest = up.addBlob(bytes(MiB));
    up.on(/blobs/, send(200, '', { 'content-length': '0' }));
    const it = await bench([up], kind);
    await expect(it.fill(digest)).rejects.toThrow(/other content/);
    expect(await it.storage.layers.find(stored, digest)).toBeUndefined();
  });

  it('is right for an empty blob and a blob of one byte', async () => {
    const up = await upstream();
    const it = await bench([up], kind);
    for (const content of [Buffer.alloc(0), Buffer.from('x')]) {
      const digest = up.addBlob(content);
      const fill = await it.fill(digest);
      expect((await readFill(fill)).equals(content)).toBe(true);
      await fill.kept;
      expect((await storedContent(it, digest)).equals(content)).toBe(true);
    }
  });
});

describe('a fill', () => {
  it('says what the upstream says when it cannot begin, to all who ask', async () => {
    const up = await upstream();
    const it = await bench([up]);
    const digest = unknownDigest('x');
    const asked = await Promise.allSettled([it.fill(digest), it.fill(digest)]);
    for (const one of asked) expect(one).toMatchObject({ reason: { name: 'UpstreamNotFound' } });
    expect(up.count(/blobs/)).toBe(1);
    up.on(/blobs/, answer(429, { 'retry-after': '9' }));
    await expect(it.fill(digest)).rejects.toMatchObject({ retryAfter: 9 });
  });

  it('goes on at the next URL when one stalls, and leaves that one alone', async () => {
    const [first, second] = [await upstream(), await upstream()];
    const content = bytes(2 * MiB);
    const digest = first.addBlob(content);
    second.addBlob(content);
    first.on(/blobs/, stallAfter(MiB));
    const it = await bench([first, second]);
    const fill = await it.fill(digest);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
    expect(first.count(/blobs/)).toBe(1);
  });

  it('resumes from a server that ignores ranges', async () => {
    const up = await upstream();
    const content = bytes(2 * MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, ({ req }, next) => {
      delete req.headers.range;
      next();
    });
    up.on(/blobs/, cutAfter(MiB), 1);
    const fill = await (await bench([up])).fill(digest);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
  });

  it('is given up when nothing new comes', async () => {
    const up = await upstream();
    const content = bytes(MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, answer(503));
    up.on(/blobs/, cutAfter(MiB / 2), 1);
    const it = await bench([up], { limits: { tries: 3, pause: 1 } });
    const fill = await it.fill(digest);
    fill.kept.catch(() => {});
    await expect(readFill(fill)).rejects.toMatchObject({ name: 'UpstreamFailed' });
    expect(await it.litter()).toEqual([]);
  });

  it('is given up when the blob is not there any more', async () => {
    const up = await upstream();
    const digest = up.addBlob(bytes(MiB));
    up.on(/blobs/, answer(404));
    up.on(/blobs/, cutAfter(1000), 1);
    const fill = await (await bench([up])).fill(digest);
    fill.kept.catch(() => {});
    await expect(readFill(fill)).rejects.toMatchObject({ name: 'UpstreamNotFound' });
    expect(up.count(/blobs/)).toBe(2);
  });

  it.each([
    ['shorter than the digest', (content: Buffer) => content.subarray(1)],
    ['longer than the digest', (content: Buffer) => Buffer.concat([content, content])],
  ])('is wrong when what comes is %s', async (_, change) => {
    const up = await upstream();
    const content = bytes(MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, (exchange, next) => {
      const changed = change(content);
      send(200, changed, { 'content-length': String(changed.length) })(exchange, next);
    });
    const fill = await (await bench([up])).fill(digest);
    fill.kept.catch(() => {});
    await expect(readFill(fill)).rejects.toThrow(/other content/);
  });

  it('is given up when less comes than the upstream said', async () => {
    const up = await upstream();
    const content = bytes(MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, cutAfter(0));
    up.on(/blobs/, cutAfter(1000), 1);
    const fill = await (await bench([up], { limits: { tries: 2, pause: 1 } })).fill(digest);
    fill.kept.catch(() => {});
    await expect(readFill(fill)).rejects.toThrow();
  });

  it('follows a redirect anew for each part', async () => {
    const [up, cdn] = [await upstream(), await upstream()];
    const content = bytes(MiB);
    const digest = cdn.addBlob(content);
    up.on(
      /blobs/,
      redirect(({ url }) => `${cdn.url}${url.pathname}`),
    );
    cdn.on(/blobs/, cutAfter(1000), 1);
    const fill = await (await bench([up])).fill(digest);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
    expect(up.count(/blobs/)).toBe(2);
  });
});

describe('a large fill over a slow line', () => {
  const limits = {
    parallelFrom: 2 * MiB,
    firstPiece: MiB,
    smallestPiece: MiB / 2,
    largestPiece: MiB,
    judgeAfter: 5,
    worthFrom: 0,
  };

  it.each([
    ['knowing its size', true],
    ['not knowing its size', false],
  ])('is fetched in ranges by several connections, %s', async (_, known) => {
    const up = await upstream();
    const content = bytes(6 * MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, slowly(MiB / 4, 10));
    const it = await bench([up], { limits });
    const fill = await it.fill(digest, known ? content.length : undefined);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
    expect(up.count(/blobs/)).toBeGreaterThan(4);
    expect((await storedContent(it, digest)).equals(content)).toBe(true);
  });

  it('takes from all URLs at once, and less from a slow one', async () => {
    const [fast, slow] = [await upstream(), await upstream()];
    const content = bytes(6 * MiB);
    const digest = fast.addBlob(content);
    slow.addBlob(content);
    fast.on(/blobs/, slowly(MiB / 8, 5));
    slow.on(/blobs/, slowly(MiB / 32, 10));
    const fill = await (await bench([fast, slow], { limits })).fill(digest, content.length);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
    expect(slow.count(/blobs/)).toBeGreaterThan(0);
  });

  it('finds out which of several URLs lies', async () => {
    const [good, bad] = [await upstream(), await upstream()];
    const content = bytes(4 * MiB);
    const digest = good.addBlob(content);
    bad.addBlob(Buffer.concat([content.subarray(0, -1), Buffer.from([(content.at(-1) ?? 0) ^ 1])]));
    bad.blobs.set(digest, bytes(content.length));
    for (const up of [good, bad]) up.on(/blobs/, slowly(MiB / 8, 5));
    const it = await bench([bad, good], { limits });
    const outcomes: string[] = [];
    for (let round = 0; round < 4; round++) {
      const fill: Fill = await it.fill(digest, content.length);
      outcomes.push(await fill.kept.then(() => 'right').catch(() => 'wrong'));
      if (outcomes.at(-1) === 'right') break;
    }
    expect(outcomes.at(-1)).toBe('right');
    expect(outcomes.length).toBeLessThanOrEqual(3);
  });
});

/** Sends a body in parts of so many bytes, with so many milliseconds between them. */
function slowly(size: number, pause: number) {
  return bend((body, res) => {
    let at = 0;
    const more = (): void => {
      if (res.destroyed) return;
      res.write(body.subarray(at, at + size));
      at += size;
      if (at < body.length) setTimeout(more, pause);
      else res.end();
    };
    more();
  });
}
