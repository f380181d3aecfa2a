import { expect, it } from 'vitest';
import { ReadBack, readBackSlabs } from '../../../src/mirror/fill/read-back.ts';

const BLOCK = 512 * 1024;

/** Reads of a content of which so much is written; the byte at each place is its number modulo 251. */
function reading(of: { size: number; written: number; sharers?: number }) {
  const reads: [number, number][] = [];
  /** What a read ends with; a number: bytes at most. Default: all it asks for. */
  const answers: (Error | number)[] = [];
  const state = { written: of.written };
  const back = new ReadBack({
    slabs: readBackSlabs(),
    medium: {
      read: async (into, offset) => {
        reads.push([offset, into.byteLength]);
        const answer = answers.shift();
        if (answer instanceof Error) throw answer;
        const length = Math.min(into.byteLength, answer ?? into.byteLength);
        for (let index = 0; index < length; index++) into[index] = (offset + index) % 251;
        return length;
      },
    },
    writtenFrom: (at) => Math.max(at, state.written),
    size: () => of.size,
    sharers: () => of.sharers ?? 1,
  });
  return { back, reads, answers, state };
}

async function bytes(back: ReadBack, start: number, end: number): Promise<number> {
  const held = await back.hold(start, end);
  const chunk = held?.chunk ?? Buffer.alloc(0);
  const wrong = chunk.findIndex((byte, index) => byte !== (start + index) % 251);
  held?.letGo();
  if (wrong >= 0) throw new Error(`the byte at ${start + wrong} is another`);
  return chunk.length;
}

it('reads once for all who want the same part', async () => {
  const { back, reads } = reading({ size: 10 * BLOCK, written: 10 * BLOCK });
  const lengths = await Promise.all([
    bytes(back, BLOCK, 10 * BLOCK),
    bytes(back, BLOCK + 1_000, 10 * BLOCK),
    bytes(back, BLOCK + 5, BLOCK + 15),
  ]);
  expect(lengths).toEqual([BLOCK, BLOCK - 1_000, 10]);
  expect(await bytes(back, 2 * BLOCK - 1, 10 * BLOCK)).toBe(1);
  expect(reads).toEqual([[BLOCK, BLOCK]]);
});

it('knows the end of the content', async () => {
  const { back, reads } = reading({ size: BLOCK + 7, written: BLOCK + 7 });
  expect(await bytes(back, BLOCK + 2, BLOCK + 7)).toBe(5);
  expect(reads).toEqual([[BLOCK, 7]]);
});

it('reads what is written of a part that is not whole, for one alone', async () => {
  const { back, reads, state } = reading({ size: 10 * BLOCK, written: 1_000 });
  expect(await bytes(back, 10, 1_000)).toBe(990);
  expect(await bytes(back, 10, 900)).toBe(890);
  state.written = BLOCK;
  expect(await bytes(back, 10, BLOCK)).toBe(BLOCK - 10);
  expect(reads).toEqual([
    [10, 990],
    [10, 890],
    [0, BLOCK],
  ]);
});

it('forgets a reading that failed', async () => {
  const { back, answers, reads } = reading({ size: BLOCK, written: BLOCK });
  answers.push(new Error('EIO'));
  const both = [back.hold(0, BLOCK), back.hold(5, BLOCK)];
  await expect(both[0]).rejects.toThrow('EIO');
  await expect(both[1]).rejects.toThrow('EIO');
  expect(await bytes(back, 0, BLOCK)).toBe(BLOCK);
  expect(reads).toHaveLength(2);
});

it('goes on where a read brings less than it is asked for', async () => {
  const { back, answers, reads } = reading({ size: BLOCK, written: BLOCK });
  answers.push(1_000, 1);
  expect(await bytes(back, 5_000, BLOCK)).toBe(BLOCK - 5_000);
  expect(reads).toEqual([
    [0, BLOCK],
    [1_000, BLOCK - 1_000],
    [1_001, BLOCK - 1_001],
  ]);
});

it('says when the medium has the bytes no more', async () => {
  const { back, answers } = reading({ size: BLOCK, written: BLOCK });
  answers.push(0);
  expect(await back.hold(0, BLOCK)).toBeUndefined();
});

it('keeps a bounded number of parts, fewer where many share the memory', async () => {
  const { back, reads } = reading({ size: 100 * BLOCK, written: 100 * BLOCK, sharers: 8 });
  for (const block of [0, 1, 0, 2]) await bytes(back, block * BLOCK, (block + 1) * BLOCK);
  expect(reads).toHaveLength(3);
  await bytes(back, 0, BLOCK);
  expect(reads).toHaveLength(3);
  await bytes(back, BLOCK, 2 * BLOCK);
  expect(reads).toHaveLength(4);
  const crowded = reading({ size: 100 * BLOCK, written: 100 * BLOCK, sharers: 1_000 });
  for (const block of [0, 0, 1, 1, 0]) await bytes(crowded.back, block * BLOCK, (block + 1) * BLOCK);
  expect(crowded.reads).toHaveLength(3);
});

it('does not use memory again that somebody still holds', async () => {
  const { back } = reading({ size: 100 * BLOCK, written: 100 * BLOCK, sharers: 1_000 });
  const held = await back.hold(0, BLOCK);
  for (let block = 1; block < 20; block++) await bytes(back, block * BLOCK, (block + 1) * BLOCK);
  back.close();
  expect(held?.chunk.findIndex((byte, index) => byte !== index % 251)).toBe(-1);
});
