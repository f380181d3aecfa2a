import { expect, test } from 'vitest';
import { UploadSlots } from '../../../src/registry/upload-slots.ts';

test('who comes when all slots are taken waits, first come first served, also behind one that fails', async () => {
  const slots = new UploadSlots(1);
  const order: string[] = [];
  const { promise: first, reject: failFirst } = Promise.withResolvers<void>();
  const running = slots.within(async () => {
    order.push('first');
    await first;
  });
  const second = slots.within(async () => {
    order.push('second');
  });
  const third = slots.within(async () => {
    order.push('third');
  });
  await Promise.resolve();
  expect(order).toEqual(['first']);
  failFirst(new Error('the client went away'));
  await expect(running).rejects.toThrow('the client went away');
  await Promise.all([second, third]);
  expect(order).toEqual(['first', 'second', 'third']);
});
