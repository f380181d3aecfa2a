import { expect, test } from 'vitest';
import { reasonOf } from '../../../src/operations/error-description.ts';

test('joins the messages of an error and its causes, without secrets and repetition', () => {
  const cause = new Error('ENOSPC: no space left on device, write');
  expect(reasonOf(new Error('the storage is full', { cause }))).toBe(`the storage is full: ${cause.message}`);
  expect(reasonOf(new Error(`full: ${cause.message}`, { cause }))).toBe(`full: ${cause.message}`);
  expect(reasonOf(new Error('asked http://user:word@host/?token=abc'))).toBe(
    'asked http://host/?token=[hidden]',
  );
});
