import { expect, test } from 'vitest';
import { tellFailure } from '../../../src/cli/tell-failure.ts';

test('says the message and its causes, each once, and no stack', () => {
  const denied = Object.assign(new Error("EACCES: permission denied, mkdir '/data'"), { code: 'EACCES' });
  const told = tellFailure(new Error('the storage cannot be written', { cause: denied }));
  expect(told).toBe("the storage cannot be written: EACCES: permission denied, mkdir '/data'");
  expect(tellFailure(new Error(`failed: ${denied.message}`, { cause: denied }))).toBe(
    `failed: ${denied.message}`,
  );
});

test('shows a mistake of the program whole, where it lies deep too', () => {
  expect(tellFailure(new TypeError('x is not a function'))).toContain('tell-failure.test.ts');
  expect(tellFailure(new Error('failed', { cause: new TypeError('no x') }))).toContain(
    'tell-failure.test.ts',
  );
  expect(tellFailure('thrown text')).toBe("'thrown text'");
});
