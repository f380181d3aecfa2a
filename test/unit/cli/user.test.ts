import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compareBcrypt, isBcryptHash } from '../../../src/auth/bcrypt-hash.ts';
import { run } from '../../../src/cli/run.ts';

let folder: string;
let users: string;
let config: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-user-'));
  users = join(folder, 'users');
  config = join(folder, 'config.yml');
  await writeFile(
    config,
    configOf(`auth: { builtin: { users: ${users} } }\nmirror: { upstreams: [registry.k8s.io] }`),
  );
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function configOf(rest: string): string {
  return `version: 0.1\nstorage: { filesystem: { rootdirectory: ${join(folder, 'data')} } }\n${rest}\n`;
}

async function fairlead(args: readonly string[], input = '') {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await run([...args, '--config', config], {
    stdin: Readable.from([Buffer.from(input)]),
    stdout,
    stderr,
  });
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

async function passwordIs(name: string, password: string): Promise<boolean> {
  const line = (await readFile(users, 'utf8')).split('\n').find((text) => text.startsWith(`${name}:`));
  const hash = line?.slice(name.length + 1) ?? '';
  return isBcryptHash(hash) && compareBcrypt(password, hash);
}

describe('fairlead user', () => {
  test('adds, lists, changes and removes', async () => {
    expect(await fairlead(['user', 'add', 'alice'], 'secret\n')).toEqual({ code: 0, out: '', err: '' });
    expect(await passwordIs('alice', 'secret')).toBe(true);
    expect(await fairlead(['user', 'passwd', 'alice'], 'changed')).toMatchObject({ code: 0 });
    expect(await passwordIs('alice', 'changed')).toBe(true);
    expect(await fairlead(['user', 'add', 'bob'], 'two\n\n')).toMatchObject({ code: 0 });
    expect(await passwordIs('bob', 'two\n')).toBe(true);
    expect((await fairlead(['user', 'list'])).out).toBe('alice\nbob\n');
    expect(await fairlead(['user', 'remove', 'alice'])).toMatchObject({ code: 0 });
    expect((await fairlead(['user', 'list'])).out).toBe('bob\n');
  });

  test('fails where there is nothing to do, and says why', async () => {
    await fairlead(['user', 'add', 'alice'], 'secret');
    expect(await fairlead(['user', 'add', 'alice'], 'x')).toEqual({
      code: 1,
      out: '',
      err: 'fairlead: there is a user alice already\n',
    });
    expect((await fairlead(['user', 'passwd', 'bob'], 'x')).err).toBe('fairlead: there is no user bob\n');
    expect((await fairlead(['user', 'remove', 'bob'])).err).toBe('fairlead: there is no user bob\n');
  });

  test.each(['Alice', 'a/b', '*', 'anonymous', 'library', 'registry.k8s.io', 'k8s.gcr.io', 'a:b', ''])(
    'does not take %j as a name',
    async (name) => {
      expect(await fairlead(['user', 'add', name], 'secret')).toMatchObject({ code: 1 });
    },
  );

  test.each([
    ['nothing', ''],
    ['an empty line', '\n'],
    ['73 bytes', 'a'.repeat(73)],
    ['73 bytes in 37 characters', `${'ä'.repeat(36)}a`],
    ['a NUL', 'a\0b'],
    ['megabytes', 'a'.repeat(1 << 22)],
  ])('does not take %s as a password', async (_, input) => {
    expect(await fairlead(['user', 'add', 'alice'], input)).toMatchObject({ code: 1, out: '' });
  });

  test('takes 72 bytes', async () => {
    expect(await fairlead(['user', 'add', 'alice'], `${'ä'.repeat(36)}\n`)).toMatchObject({ code: 0 });
    expect(await passwordIs('alice', 'ä'.repeat(36))).toBe(true);
  });

  test.each([
    [['user']],
    [['user', 'rename', 'a']],
    [['user', 'add']],
    [['user', 'list', 'a']],
    [['user', 'add', 'a', 'b']],
  ])('%j makes no sense', async (args) => {
    expect(await fairlead(args)).toMatchObject({ code: 2 });
  });

  test('tells where the file cannot be right, and that there is no built-in login', async () => {
    await writeFile(users, 'garbage\n');
    expect((await fairlead(['user', 'list'])).err).toBe(
      `fairlead: ${users}: line 1: no colon between a name and a hash\n`,
    );
    await writeFile(config, configOf(''));
    expect(await fairlead(['user', 'list'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no auth.builtin'),
    });
  });
});

describe('fairlead key rotate', () => {
  test('makes a key where the server finds it', async () => {
    expect(await fairlead(['key', 'rotate'])).toEqual({ code: 0, out: '', err: '' });
    expect(await fairlead(['key', 'rotate', '--all'])).toMatchObject({ code: 0 });
  });

  test('refuses where the key was given', async () => {
    await writeFile(
      config,
      configOf(`auth: { builtin: { users: ${users}, key: ${join(folder, 'key.pem')} } }`),
    );
    expect(await fairlead(['key', 'rotate'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('auth.builtin.key'),
    });
  });
});
