import { describe, expect, it } from 'vitest';
import { Crawling } from '../../../src/mirror/fill/crawling.ts';
import { trickleAfter } from '../../support/upstream/faults.ts';
import { bytes, fillBenches, readFill } from '../../support/upstream/fill-bench.ts';

const { upstream, bench } = fillBenches();
const MiB = 1024 * 1024;
const limits = {
  parallelFrom: 2 * MiB,
  firstPiece: MiB,
  smallestPiece: MiB / 2,
  judgeAfter: 5,
  crawlAfter: 20,
};

describe('a connection that brings next to nothing', () => {
  it.each([
    ['a large blob', 6 * MiB],
    ['a small one', MiB],
  ])('holds nothing up that another URL has: %s', async (_, size) => {
    const [slow, fast] = [await upstream(), await upstream()];
    const content = bytes(size);
    const digest = fast.addBlob(content);
    slow.addBlob(content);
    slow.on(/blobs/, trickleAfter(100));
    const fill = await (await bench([slow, fast], { limits })).fill(digest, size);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
  });

  it('is replaced where there is one URL alone', async () => {
    const up = await upstream();
    const content = bytes(6 * MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, trickleAfter(100), 1);
    const fill = await (await bench([up], { limits })).fill(digest, content.length);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
  });
});

describe('whether a connection crawls', () => {
  const parts = { limits: { crawlAfter: 10, crawlsFrom: 1_000, shareFrom: 100, smallestPiece: 1_000 } };
  /** A watched connection that is given so many bytes in each of ten judgements. */
  function given(
    bytesEach: number,
    { plan = { freeBytes: 1 }, waits = true, fastest = 0 } = {},
  ): { gaveUp: number; again: () => number } {
    const crawling = new Crawling({ ...parts, plan, sources: 1 });
    crawling.end(
      crawling.watch({ at: 0, end: 1 }, 0, () => {}),
      1,
    );
    if (fastest > 0) {
      const piece = { at: 0, end: 1_000 };
      const fast = crawling.watch(piece, 0, () => {});
      piece.at = 1_000;
      crawling.end(fast, 1_000 / fastest);
    }
    const once = (): number => {
      let times = 0;
      const piece = { at: 0, end: 1_000 };
      const progress = crawling.watch(piece, 0, () => times++);
      for (let now = 10; now <= 100; now += 10) {
        if (waits) progress.waits(now - 10);
        piece.at += bytesEach;
        if (waits) progress.came(now);
        crawling.judge(now);
      }
      return times;
    };
    return { gaveUp: once(), again: once };
  }

  it('is judged by how long what is left would take, and so once for each URL', () => {
    const slow = given(5);
    expect(slow.gaveUp).toBe(1);
    expect(slow.again()).toBe(0);
    expect(given(50).gaveUp).toBe(0);
  });

  it('is not judged by what this process takes its time for', () => {
    expect(given(5, { waits: false }).gaveUp).toBe(0);
  });

  it('is judged by what others were, once nothing else is left to be asked for', () => {
    const outrun = { plan: { freeBytes: 0 }, fastest: 50 };
    const slow = given(50, outrun);
    expect([slow.gaveUp, slow.again()]).toEqual([1, 1]);
    expect(given(50, { ...outrun, fastest: 20 }).gaveUp).toBe(0);
    expect(given(50, { ...outrun, plan: { freeBytes: 1 } }).gaveUp).toBe(0);
  });

  it('says nothing of what brings nothing at all, which stalls', () => {
    expect(given(0).gaveUp).toBe(0);
  });
});
