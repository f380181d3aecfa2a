import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createHasherPool, type ThreadedHasherPool } from '../../../src/storage/hashing/hasher-pool.ts';
import { pattern } from '../../contract/storage-harness.ts';

describe('hasher pool', () => {
  const pools: ThreadedHasherPool[] = [];
  const poolOf = (options?: Parameters<typeof createHasherPool>[0]) => {
    const pool = createHasherPool(options);
    pools.push(pool);
    return pool;
  };
  afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));

  const expected = (algorithm: string, content: Uint8Array) =>
    createHash(algorithm).update(content).digest('hex');

  it.each([0, 1, 1000, 262_143, 262_144, 262_145, 524_288, 3_000_001])('hashes %i bytes', async (size) => {
    const pool = poolOf();
    const content = pattern(size);
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const hasher = pool.begin(algorithm);
      for (let start = 0; start < size; start += 70_001) {
        await hasher.update(content.subarray(start, start + 70_001));
      }
      expect(await hasher.digest()).toBe(expected(algorithm, content));
    }
  });

  it('lets the caller reuse a chunk', async () => {
    const hasher = poolOf().begin('sha256');
    const chunk = Buffer.alloc(1_000_000);
    for (const letter of ['a', 'b', 'c']) {
      chunk.fill(letter);
      await hasher.update(chunk);
    }
    chunk.fill('x');
    const content = Buffer.from(['a', 'b', 'c'].map((letter) => letter.repeat(1_000_000)).join(''));
    expect(await hasher.digest()).toBe(expected('sha256', content));
  });

  it('makes many at once wait for memory, and fails none', async () => {
    const pool = poolOf({ slots: 3, threads: 2 });
    const contents = Array.from({ length: 12 }, (_, index) => pattern(700_000 + index, index + 1));
    const digests = await Promise.all(
      contents.map(async (content) => {
        const hasher = pool.begin('sha256');
        for (let start = 0; start < content.length; start += 100_000) {
          await hasher.update(content.subarray(start, start + 100_000));
        }
        return hasher.digest();
      }),
    );
    expect(digests).toEqual(contents.map((content) => expected('sha256', content)));
  });

  it('takes no slot back between its being given and its first bytes', async () => {
    const pool = poolOf({ slots: 1, threads: 1 });
    const [one, other] = [pool.begin('sha256'), pool.begin('sha256')];
    const first = one.update(Buffer.from('first'));
    const second = Promise.resolve().then(() => other.update(Buffer.from('second')));
    await Promise.all([first, second]);
    expect(await Promise.all([one.digest(), other.digest()])).toEqual([
      expected('sha256', Buffer.from('first')),
      expected('sha256', Buffer.from('second')),
    ]);
  });

  it('lets several that wait go on though each of them pauses with its slot', async () => {
    const pool = poolOf({ slots: 1, threads: 1 });
    const hashers = ['a', 'b', 'c', 'd'].map((text) => ({ text, hasher: pool.begin('sha256') }));
    await Promise.all(hashers.map(({ text, hasher }) => hasher.update(Buffer.from(text))));
    for (const { text, hasher } of hashers) {
      expect(await hasher.digest()).toBe(expected('sha256', Buffer.from(text)));
    }
  });

  it('takes memory back from those that pause and those that are disposed of', async () => {
    const pool = poolOf({ slots: 2, threads: 1 });
    const paused = [pool.begin('sha256'), pool.begin('sha256')];
    for (const hasher of paused) await hasher.update(Buffer.from('pause'));
    const other = pool.begin('sha256');
    await other.update(pattern(600_000));
    expect(await other.digest()).toBe(expected('sha256', pattern(600_000)));
    for (let round = 0; round < 5; round++) {
      const dropped = pool.begin('sha256');
      await dropped.update(pattern(round * 200_000));
      dropped.dispose();
    }
    for (const hasher of paused) expect(await hasher.digest()).toBe(expected('sha256', Buffer.from('pause')));
  });

  it('tells when its threads have ended', async () => {
    const pool = poolOf();
    const hasher = pool.begin('sha256');
    await hasher.update(pattern(600_000));
    await pool.close();
    await expect(hasher.digest()).rejects.toThrow('hashing thread');
  });
});
