import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LiveUsers } from '../../../src/auth/live-users.ts';
import { type CollectedLog, collectLog } from '../../support/collected-log.ts';

const HASH = `$2y$05$${'a'.repeat(53)}`;
const OTHER = `$2b$12$${'b'.repeat(53)}`;

let folder: string;
let path: string;
let log: CollectedLog;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-users-'));
  path = join(folder, 'users');
  log = collectLog();
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const open = () => LiveUsers.open({ path, log, now: Date.now });

describe('the users in service', () => {
  test('are none while the file is not there, with a warning, and appear with it', async () => {
    using users = await open();
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { path } }]);
    await writeFile(path, `alice:${HASH}\n`);
    await users.refresh(0);
    expect(users.hashOf('alice')).toBe(HASH);
  });

  test('follow a change in place, though its time and length are the same', async () => {
    await writeFile(path, `alice:${HASH}\n`);
    using users = await open();
    await writeFile(path, `clara:${HASH}\n`);
    await users.refresh(0);
    expect([users.hashOf('alice'), users.hashOf('clara')]).toEqual([undefined, HASH]);
  });

  test('follow a rename', async () => {
    await writeFile(path, `alice:${HASH}\n`);
    using users = await open();
    await writeFile(`${path}.new`, `alice:${OTHER}\n`);
    await rename(`${path}.new`, path);
    await users.refresh(0);
    expect(users.hashOf('alice')).toBe(OTHER);
  });

  test('follow a secret as Kubernetes swaps it', async () => {
    for (const [version, hash] of [
      ['..1', HASH],
      ['..2', OTHER],
    ] as const) {
      await mkdir(join(folder, version));
      await writeFile(join(folder, version, 'users'), `alice:${hash}\n`);
    }
    await symlink('..1', join(folder, '..data'));
    await symlink('..data/users', path);
    using users = await open();
    await symlink('..2', join(folder, '..tmp'));
    await rename(join(folder, '..tmp'), join(folder, '..data'));
    await users.refresh(0);
    expect(users.hashOf('alice')).toBe(OTHER);
  });

  test.each([
    ['has a line without a colon', `bob:${OTHER}\ngarbage\n`, 2],
    ['has a cut hash', `bob:${OTHER.slice(0, 40)}\n`, 1],
    ['is empty', '', 1],
  ])('stay while the file %s, and the line is logged once', async (_, text, line) => {
    await writeFile(path, `alice:${HASH}\n`);
    using users = await open();
    await writeFile(path, text);
    await users.refresh(0);
    await users.refresh(0);
    expect(users.hashOf('alice')).toBe(HASH);
    expect(users.hashOf('bob')).toBeUndefined();
    expect(log.lines).toMatchObject([{ level: 'error', fields: { line } }]);
    expect(JSON.stringify(log.lines)).not.toContain('bbbb');
  });

  test('stay while the file is away, and change when it returns', async () => {
    await writeFile(path, `alice:${HASH}\n`);
    using users = await open();
    await rm(path);
    await users.refresh(0);
    expect(users.hashOf('alice')).toBe(HASH);
    await writeFile(path, `bob:${HASH}\n`);
    await users.refresh(0);
    expect([users.hashOf('alice'), users.hashOf('bob')]).toEqual([undefined, HASH]);
  });

  test('end when the file holds nothing but comments', async () => {
    await writeFile(path, `alice:${HASH}\n`);
    using users = await open();
    await writeFile(path, '# nobody\n');
    await users.refresh(0);
    expect(users.hashOf('alice')).toBeUndefined();
  });

  test('are named when their hash is not bcrypt', async () => {
    await writeFile(path, `old:$apr1$salt$hash\nalice:${HASH}\n`);
    using users = await open();
    expect(users.hashOf('old')).toBeUndefined();
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { refused: ['old'] } }]);
  });

  test('are an error at the start, named by the key, when the file cannot be right or read', async () => {
    await writeFile(path, 'garbage\n');
    const message = 'auth.builtin.users cannot be used';
    await expect(open()).rejects.toMatchObject({ message, cause: { line: 1 } });
    await rm(path);
    await mkdir(path);
    await expect(open()).rejects.toMatchObject({ message, cause: { code: 'EISDIR' } });
  });
});
