import { expect, it } from 'vitest';
import { CollectedBytes } from '../../../src/operations/collected-bytes.ts';

it('holds nothing at first', () => {
  expect(new CollectedBytes(3).content).toEqual(Buffer.alloc(0));
});

it('joins what came, in order, up to its limit', () => {
  const bytes = new CollectedBytes(7);
  for (const text of ['a', 'bcd', '', 'ef']) {
    expect(bytes.fits(text.length)).toBe(true);
    bytes.add(Buffer.from(text));
  }
  expect(bytes.content.toString()).toBe('abcdef');
  expect(bytes.fits(1)).toBe(true);
  expect(bytes.fits(2)).toBe(false);
  bytes.add(Buffer.from('g'));
  expect(bytes.content.toString()).toBe('abcdefg');
  expect(bytes.fits(0)).toBe(true);
  expect(bytes.fits(1)).toBe(false);
});

it('keeps its own copy of what came', () => {
  const bytes = new CollectedBytes(10);
  const chunk = Buffer.from('abc');
  bytes.add(chunk);
  chunk.fill('x');
  expect(bytes.content.toString()).toBe('abc');
});

it('takes memory for its bytes, not for its pieces', () => {
  const bytes = new CollectedBytes(1024 * 1024);
  const one = Buffer.from('x');
  for (let count = 0; count < 100_000; count++) bytes.add(one);
  expect(bytes.content.buffer.byteLength).toBeLessThanOrEqual(200_000);
  expect(bytes.content.length).toBe(100_000);
});
