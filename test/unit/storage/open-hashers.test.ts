import { expect, test } from 'vitest';
import { openHashers } from '../../../src/storage/hashing/open-hashers.ts';

test.each([2, 8])('hashes content with %i processors', async (processors) => {
  await using hashers = openHashers(processors);
  const hasher = hashers.begin('sha256');
  await hasher.update(Buffer.alloc(300_000, 'a'));
  await hasher.update(Buffer.from('b'));
  expect(await hasher.digest()).toBe('a098f878fb876623a833295c822f0689fdb639ab6acf13f12bf9ff09bde2049d');
});
