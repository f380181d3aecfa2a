import { describe, expect, test } from 'vitest';
import { parseUsers, UsersFileError } from '../../../src/auth/users-file.ts';

const HASH = `$2y$05$${'a'.repeat(53)}`;
const OTHER = `$2b$12$${'b'.repeat(53)}`;

describe('a users file', () => {
  test('holds names and bcrypt hashes between blank lines and comments', () => {
    const users = parseUsers(`# admins\n\nalice:${HASH}\r\n  bob:${OTHER}\n`);
    expect([...users.hashes]).toEqual([
      ['alice', HASH],
      ['bob', OTHER],
    ]);
  });

  test.each(['', '\n', '# nobody\n'])('may hold nobody: %j', (text) => {
    expect(parseUsers(text).hashes.size).toBe(0);
  });

  test.each([
    ['a line without a colon', `alice:${HASH}\nbob\n`, 2],
    ['a cut hash', `# one\nalice:${HASH.slice(0, -1)}\n`, 2],
    ['a hash that was not written yet', 'alice:', 1],
    ['a name twice', `alice:${HASH}\n\nalice:${OTHER}\n`, 3],
    ['no name', `:${HASH}`, 1],
  ])('cannot be right with %s', (_, text, line) => {
    expect(() => parseUsers(text)).toThrow(expect.objectContaining({ line }));
    expect(() => parseUsers(text)).toThrow(UsersFileError);
  });

  test('tells whose hash is not bcrypt, and lets the others in', () => {
    const users = parseUsers(`old:$apr1$salt$hash\nsha:{SHA}abc\nalice:${HASH}\n`);
    expect(users.refused).toEqual(['old', 'sha']);
    expect([...users.hashes.keys()]).toEqual(['alice']);
  });

  test('has the cost of most users as its usual one', () => {
    expect(parseUsers(`a:${HASH}\nb:${OTHER}\nc:${OTHER}`).usualCost).toBe(12);
    expect(parseUsers('').usualCost).toBe(10);
  });

  test('never shows a hash in its errors', () => {
    expect(() => parseUsers(`alice:${HASH}\nalice:${OTHER}`)).toThrow(/^line 2: "alice" is there twice$/);
  });
});
