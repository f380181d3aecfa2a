import { expect, it } from 'vitest';
import { RecentChunks } from '../../../src/mirror/fill/recent-chunks.ts';

it('keeps few of many small chunks, which cost more than their bytes', () => {
  const recent = new RecentChunks(() => 8 * 1024);
  const gone: number[] = [];
  for (let at = 0; at < 100; at++) {
    recent.add(at, { chunks: [Buffer.from([at])], length: 1, letGo: () => gone.push(at) })();
  }
  expect(gone).toEqual(Array.from({ length: 84 }, (_, at) => at));
  expect(recent.hold(83)).toBeUndefined();
  expect(recent.hold(84)?.chunk).toEqual(Buffer.from([84]));
});
