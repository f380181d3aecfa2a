import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesPattern, parseRepositoryPattern } from '../../../src/auth/repository-pattern.ts';

const matches = (pattern: string, name: string, account?: string): boolean =>
  matchesPattern(parseRepositoryPattern(pattern), { name, account });

describe('a pattern of the access rules', () => {
  test.each([
    ['**', 'a', true],
    ['**', 'a/b/c', true],
    ['alice/**', 'alice/app', true],
    ['alice/**', 'alice/app/db', true],
    ['alice/**', 'alice', false],
    ['alice/**', 'alicex/app', false],
    ['alice/*', 'alice/app', true],
    ['alice/*', 'alice/app/db', false],
    ['*/app', 'alice/app', true],
    ['*/app', 'app', false],
    ['**/app', 'app', true],
    ['**/app', 'a/b/app', true],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z', true],
    ['a/**/z', 'a/b/c/y', false],
    ['team-*/app', 'team-/app', true],
    ['team-*-x/app', 'team-a-b-x/app', true],
    ['team-*-x/app', 'team-a-b-y/app', false],
    ['docker.io/**', 'dockerxio/library/nginx', false],
    ['exact', 'exact', true],
    ['exact', 'exactly', false],
    ['a*b*c', 'aXbXbc', true],
    ['**/x/**', 'a/x/b', true],
    ['**/x/**', 'a/x', false],
  ])('%s and %s: %s', (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });

  test('takes the account as plain text, and matches nothing for nobody', () => {
    const own = ['$', '{account}/**'].join('');
    expect(matches(own, 'alice/app', 'alice')).toBe(true);
    expect(matches(own, 'bob/app', 'alice')).toBe(false);
    expect(matches(own, 'bob/app', '*')).toBe(false);
    expect(matches(own, 'a/b/app', '**')).toBe(false);
    expect(matches(own, 'alice/app')).toBe(false);
    expect(matches(`team-${own}`, 'team-alice/app', 'alice')).toBe(true);
  });

  test.each(['', 'a//b', '/a', 'a/', 'a**/b', '**b'])('%j is none', (pattern) => {
    expect(() => parseRepositoryPattern(pattern)).toThrow(SyntaxError);
  });

  test('decides as the same pattern written as a regular expression does', () => {
    const piece = fc.constantFrom('a', 'b', '*', 'ab');
    const component = fc.oneof(
      fc.constant('**'),
      fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('').replaceAll(/\*+/g, '*')),
    );
    const name = fc.array(fc.stringMatching(/^[ab]{1,5}$/), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(component, { minLength: 1, maxLength: 5 }), name, (pattern, names) => {
        expect(matches(pattern.join('/'), names.join('/'))).toBe(
          reference(pattern).test(`${names.join('/')}/`),
        );
      }),
    );
  });

  test('takes no longer for a name made to confuse it', () => {
    const name = `${'a'.repeat(120)}/${'a'.repeat(120)}`;
    const pattern = `${'*a'.repeat(100)}b/**/${'*a'.repeat(100)}b`;
    const started = performance.now();
    expect(matches(pattern, name)).toBe(false);
    expect(performance.now() - started).toBeLessThan(200);
  });
});

function reference(components: readonly string[]): RegExp {
  const last = components.length - 1;
  const parts = components.map((component, index) => {
    if (component === '**') return index === last ? '(?:[^/]+/)+' : '(?:[^/]+/)*';
    return `${component.replaceAll('*', '[^/]*')}/`;
  });
  return new RegExp(`^${parts.join('')}$`);
}
