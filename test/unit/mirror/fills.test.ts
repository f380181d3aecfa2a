import { describe, expect, it } from 'vitest';
import { cutAfter, send, withoutSize, wrongBytes } from '../../support/upstream/faults.ts';
import {
  bytes,
  EVERYTHING,
  fillBenches,
  readFill,
  stored,
  storedContent,
} from '../../support/upstream/fill-bench.ts';

const { upstream, bench } = fillBenches();
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
    const content = bytes(3 * MiB);
    const digest = up.addBlob(content);
    const it = await bench([up], kind);
    const fills = await Promise.all(Array.from({ length: 10 }, () => it.fill(digest)));
    for (const got of await Promise.all(fills.map((fill) => readFill(fill))))
      expect(got.equals(content)).toBe(true);
    await fills[0]?.kept;
    expect(up.count(/blobs/)).toBe(1);
    expect((await storedContent(it, digest)).equals(content)).toBe(true);
    expect(await it.litter()).toEqual([]);
    expect(it.running(digest)).toBeUndefined();
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
    expect(up.count(/GET .*blobs/)).toBe(3);
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
    const kept = expect(fill.kept).rejects.toThrow(/other content/);
    await expect(readFill(fill)).rejects.toThrow(/other content/);
    await kept;
    expect(await it.storage.layers.find(stored, digest)).toBeUndefined();
    expect(await it.litter()).toEqual([]);
  });

  it('gives a blob up that nobody tells the size of and that does not end', async () => {
    const up = await upstream();
    const digest = up.addBlob(bytes(1000));
    up.on(/blobs/, withoutSize(bytes(4 * MiB)));
    const it = await bench([up], { ...kind, limits: { largestUnsized: MiB } });
    const fill = await it.fill(digest);
    const kept = expect(fill.kept).rejects.toThrow(/more than can be right/);
    await expect(readFill(fill)).rejects.toThrow(/more than can be right/);
    await kept;
    expect(up.count(/GET .*blobs/)).toBe(1);
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
