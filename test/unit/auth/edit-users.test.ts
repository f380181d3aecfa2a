import { chmod, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addUser, changePassword, listUsers, removeUser } from '../../../src/auth/edit-users.ts';
import { lockUsersFile } from '../../../src/auth/users-file-lock.ts';

const HASH = `$2b$10$${'a'.repeat(53)}`;
const OTHER = `$2b$10$${'b'.repeat(53)}`;

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-edit-'));
  path = join(folder, 'users');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the users file', () => {
  test('is made with its folder, readable to the owner alone', async () => {
    const deep = join(folder, 'a', 'b', 'users');
    await addUser(deep, { name: 'alice', hash: HASH });
    expect(await readFile(deep, 'utf8')).toBe(`alice:${HASH}\n`);
    expect((await stat(deep)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'a', 'b'))).toEqual(['users']);
  });

  test('is an error at once where its folder can neither be found nor made', async () => {
    await expect(addUser('/proc/fairlead/users', { name: 'alice', hash: HASH })).rejects.toThrow('ENOENT');
  });

  test('keeps mode, comments and other lines', async () => {
    await writeFile(path, `# people\r\n\nold:$apr1$x\nalice:${HASH}\r\n# end`);
    await chmod(path, 0o640);
    await addUser(path, { name: 'bob', hash: OTHER });
    await changePassword(path, { name: 'alice', hash: OTHER });
    expect(await readFile(path, 'utf8')).toBe(
      `# people\r\n\nold:$apr1$x\nalice:${OTHER}\n# end\nbob:${OTHER}\n`,
    );
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    await removeUser(path, 'old');
    expect(await listUsers(path)).toEqual(['alice', 'bob']);
  });

  test('is replaced where a symbolic link leads, and the link stays', async () => {
    const link = join(folder, 'link');
    await symlink('users', link);
    await addUser(link, { name: 'alice', hash: HASH });
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await listUsers(path)).toEqual(['alice']);
  });

  test('is never left without a byte', async () => {
    await addUser(path, { name: 'alice', hash: HASH });
    await removeUser(path, 'alice');
    expect(await readFile(path, 'utf8')).toBe('# no users\n');
    await addUser(path, { name: 'bob', hash: HASH });
    expect(await listUsers(path)).toEqual(['bob']);
  });

  test('is not changed by an edit that cannot be made', async () => {
    await addUser(path, { name: 'alice', hash: HASH });
    await expect(addUser(path, { name: 'alice', hash: OTHER })).rejects.toThrow(
      'there is a user alice already',
    );
    await expect(changePassword(path, { name: 'bob', hash: OTHER })).rejects.toThrow('there is no user bob');
    await expect(removeUser(path, 'bob')).rejects.toThrow('there is no user bob');
    expect(await readFile(path, 'utf8')).toBe(`alice:${HASH}\n`);
    await writeFile(path, 'garbage\n');
    await expect(addUser(path, { name: 'bob', hash: OTHER })).rejects.toThrow(/^line 1: /);
    expect(await readdir(folder)).toEqual(['users']);
  });

  test('loses nothing when many edit it at once', async () => {
    const names = Array.from({ length: 15 }, (_, index) => `user${String(index).padStart(2, '0')}`);
    await Promise.all(names.map((name) => addUser(path, { name, hash: HASH })));
    expect((await listUsers(path)).toSorted()).toEqual(names);
    expect(await readdir(folder)).toEqual(['users']);
  });
});

describe('the lock', () => {
  const times = { beat: 20, dead: 150, look: 5, patience: 10_000 };
  const place = () => ({ folder, name: 'users' });

  test('left behind by who was killed stops nobody, and its temporary file goes', async () => {
    await writeFile(join(folder, '.users.lock-3'), 'abc');
    await writeFile(join(folder, '.users.tmp-abc'), 'half');
    await using lock = await lockUsersFile(place(), times);
    expect(await lock.isHeld()).toBe(true);
    expect(await readdir(folder)).toEqual(['.users.lock-4']);
  });

  test('is waited for while its holder lives', async () => {
    const first = await lockUsersFile(place(), times);
    let isTaken = false;
    const second = lockUsersFile(place(), times).then((lock) => {
      isTaken = true;
      return lock;
    });
    await new Promise((resolve) => setTimeout(resolve, 3 * times.dead));
    expect(isTaken).toBe(false);
    await first[Symbol.asyncDispose]();
    await using _ = await second;
    expect(isTaken).toBe(true);
  });

  test('is lost to who found it dead, and what its holder prepared with it', async () => {
    const sleeper = await lockUsersFile(place(), { ...times, beat: 1_000_000 });
    await writeFile(sleeper.temporary, 'stale');
    await using winner = await lockUsersFile(place(), times);
    expect(await sleeper.isHeld()).toBe(false);
    await expect(stat(sleeper.temporary)).rejects.toThrow('ENOENT');
    await sleeper[Symbol.asyncDispose]();
    expect(await winner.isHeld()).toBe(true);
  });

  test('left behind by the dead goes to one of many', async () => {
    await writeFile(join(folder, '.users.lock-1'), 'abc');
    let holders = 0;
    let most = 0;
    const work = async () => {
      await using _ = await lockUsersFile(place(), times);
      holders += 1;
      most = Math.max(most, holders);
      await new Promise((resolve) => setTimeout(resolve, 5));
      holders -= 1;
    };
    await Promise.all(Array.from({ length: 8 }, work));
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });
});
