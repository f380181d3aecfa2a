import { expect, it } from 'vitest';
import { Pace } from '../../../src/mirror/fill/pace.ts';

const MB = 1_000_000;
const limits = { judgeAfter: 100, fastEnough: 100 * MB, worthFrom: 200 };
const LEFT = 1_000 * MB;

it('says nothing before its time, nor while nothing comes', () => {
  const pace = new Pace(limits, 0);
  expect(pace.isSlow({ now: 99, landed: 100, left: LEFT })).toBe(false);
  const still = new Pace(limits, 0);
  expect(still.isSlow({ now: 5_000, landed: 0, left: LEFT })).toBe(false);
});

it('takes what is slow for slow the second time', () => {
  const pace = new Pace(limits, 0);
  expect(pace.isSlow({ now: 100, landed: 6 * MB, left: LEFT })).toBe(false);
  expect(pace.isSlow({ now: 150, landed: 9 * MB, left: LEFT })).toBe(false);
  expect(pace.isSlow({ now: 200, landed: 12 * MB, left: LEFT })).toBe(true);
});

it('forgets a slow beginning', () => {
  const pace = new Pace(limits, 0);
  expect(pace.isSlow({ now: 100, landed: 6 * MB, left: LEFT })).toBe(false);
  expect(pace.isSlow({ now: 200, landed: 26 * MB, left: LEFT })).toBe(false);
  expect(pace.isSlow({ now: 300, landed: 32 * MB, left: LEFT })).toBe(false);
  expect(pace.isSlow({ now: 400, landed: 38 * MB, left: LEFT })).toBe(true);
});

it('sees what becomes slow after a fast beginning', () => {
  const pace = new Pace(limits, 0);
  expect(pace.isSlow({ now: 1_000, landed: 500 * MB, left: LEFT })).toBe(false);
  expect(pace.isSlow({ now: 1_100, landed: 501 * MB, left: LEFT })).toBe(false);
  expect(pace.isSlow({ now: 1_200, landed: 502 * MB, left: LEFT })).toBe(true);
});

it('lets be what is nearly here', () => {
  const pace = new Pace(limits, 0);
  expect(pace.isSlow({ now: 100, landed: 1 * MB, left: 4 * MB })).toBe(false);
  expect(pace.isSlow({ now: 200, landed: 4 * MB, left: 1 * MB })).toBe(false);
});
