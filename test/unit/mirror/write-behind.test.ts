import { afterEach, describe, expect, it, vi } from 'vitest';
import { unwrittenOf } from '../../../src/mirror/fill/fetching.ts';
import type { FillMedium } from '../../../src/mirror/fill/fill-medium.ts';
import { Landings } from '../../../src/mirror/fill/landings.ts';
import { WriteBehind } from '../../../src/mirror/fill/write-behind.ts';

const KIB = 1024;

interface Written {
  readonly offset: number;
  readonly lengths: readonly number[];
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

/** A medium whose writes end when the test says so. */
function medium(options: { readonly anyOrder?: boolean } = {}) {
  const writes: Written[] = [];
  const write: FillMedium['write'] = (chunks, offset) =>
    new Promise((resolve, reject) => {
      const lengths = chunks.map(({ length }) => length);
      writes.push({ offset, lengths, done: resolve, fail: reject });
    });
  const nothing = async (): Promise<void> => {};
  const behind = new WriteBehind({
    anyOrder: options.anyOrder ?? true,
    write,
    read: async () => 0,
    commit: nothing,
    drop: nothing,
    close: nothing,
  });
  const put = (offset: number, length: number): Promise<void> =>
    behind.write([Buffer.alloc(length)], { offset, length });
  return { behind, writes, put };
}

const places = (writes: readonly Written[]) =>
  writes.map(({ offset, lengths }) => [offset, lengths.reduce((sum, length) => sum + length, 0)]);

afterEach(() => {
  vi.useRealTimers();
});

describe('what is written behind', () => {
  it('goes together where it lies behind each other, whatever came between', async () => {
    const { behind, writes, put } = medium();
    const landed = [put(0, 10), put(100, 5), put(10, 10), put(105, 5), put(20, 1)];
    expect(writes).toEqual([]);
    behind.flush();
    expect(places(writes)).toEqual([
      [0, 21],
      [100, 10],
    ]);
    expect(writes[0]?.lengths).toEqual([10, 10, 1]);
    for (const { done } of writes) done();
    await Promise.all(landed);
    await behind.settled();
  });

  it('is written at once where it is worth a write, and small pieces soon', async () => {
    const { writes, put } = medium();
    const small = put(8 * KIB * KIB, 1);
    const large = put(0, 512 * KIB);
    expect(places(writes)).toEqual([[0, 512 * KIB]]);
    writes[0]?.done();
    await large;
    await expect.poll(() => places(writes)).toContainEqual([8 * KIB * KIB, 1]);
    writes[1]?.done();
    await small;
  });

  it('makes two writes at a time, of 4 MiB at most', async () => {
    const { behind, writes, put } = medium();
    const landed = Array.from({ length: 20 }, (_, index) => put(index * 512 * KIB, 512 * KIB));
    expect(places(writes)).toEqual([
      [0, 512 * KIB],
      [512 * KIB, 512 * KIB],
    ]);
    const settled = behind.settled();
    for (let index = 0; index < writes.length; index++) {
      writes[index]?.done();
      await landed[index];
    }
    await settled;
    expect(places(writes).slice(2)).toEqual([
      [1024 * KIB, 4096 * KIB],
      [5120 * KIB, 4096 * KIB],
      [9216 * KIB, 1024 * KIB],
    ]);
    await Promise.all(landed);
  });

  it('holds up no connection until patience ends, however many fills there are', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const { writes, put } = medium();
    const landings = new Landings(() => unwrittenOf(1_000));
    for (let offset = 0; offset < 8 * KIB * KIB; offset += 64 * KIB) {
      const added = landings.add(put(offset, 64 * KIB), 64 * KIB);
      await Promise.race([added, new Promise(setImmediate)]);
      for (const { done } of writes) done();
      await Promise.race([added, new Promise(setImmediate).then(() => Promise.reject(new Error('waits')))]);
    }
  });

  it('comes in order, one at a time, where the medium wants that', async () => {
    const { behind, writes, put } = medium({ anyOrder: false });
    const landed = [put(0, 512 * KIB), put(512 * KIB, 600 * KIB)];
    const settled = behind.settled();
    expect(places(writes)).toEqual([[0, 512 * KIB]]);
    writes[0]?.done();
    await landed[0];
    await expect.poll(() => places(writes).at(1)).toEqual([512 * KIB, 600 * KIB]);
    writes[1]?.done();
    await settled;
  });

  it('fails for all that wait and all that come, once a write has failed', async () => {
    const { behind, writes, put } = medium();
    const first = put(0, 512 * KIB);
    const waiting = put(5_000_000, 1);
    const full = new Error('no space');
    writes[0]?.fail(full);
    await expect(first).rejects.toBe(full);
    await expect(waiting).rejects.toBe(full);
    await expect(put(512 * KIB, 512 * KIB)).rejects.toBe(full);
    await expect(behind.settled()).rejects.toBe(full);
    expect(writes).toHaveLength(1);
  });

  it('is given up by a stop, which waits for what is being written', async () => {
    const { behind, writes, put } = medium();
    const first = put(0, 512 * KIB);
    const waiting = put(5_000_000, 1);
    let stopped = false;
    const stop = behind.stop(new Error('given up')).then(() => {
      stopped = true;
    });
    await expect(waiting).rejects.toThrow('given up');
    expect(stopped).toBe(false);
    writes[0]?.done();
    await first;
    await stop;
    expect(writes).toHaveLength(1);
  });
});
