import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseUsers } from '../../src/auth/users-file.ts';
import { describeWith } from '../support/describe-with.ts';
import { run } from '../support/run.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const HASH = `$2b$10$${'a'.repeat(53)}`;

describeWith(['root'], 'fairlead user', () => {
  let scratch: Scratch;
  beforeAll(() => {
    scratch = makeScratch();
  });
  afterAll(() => scratch[Symbol.asyncDispose]());

  const env = (users: string) => ({ ...process.env, REGISTRY_AUTH_BUILTIN_USERS: users });
  const add = (users: string, name: string) =>
    run(process.execPath, [main, 'user', 'add', name], { env: env(users), input: 'secret' });

  test('loses nobody who was added, whichever of the others were killed', async () => {
    await mkdir(scratch.at('killed'));
    const users = scratch.at('killed', 'users');
    const added = new Set<string>();
    const one = async (number: number) => {
      const name = `user${number}`;
      const child = spawn(process.execPath, [main, 'user', 'add', name], {
        env: env(users),
        stdio: ['pipe', 'ignore', 'inherit'],
      });
      child.stdin?.end('secret');
      const ended = once(child, 'exit');
      if (number % 2 === 0)
        await Promise.race([ended, delay(500 + number * 70).then(() => child.kill('SIGKILL'))]);
      const [code] = await ended;
      if (code === 0) added.add(name);
    };
    await Promise.all(Array.from({ length: 12 }, (_, number) => one(number)));
    await add(users, 'last');
    const { hashes, refused } = parseUsers(await readFile(users, 'utf8'));
    expect(refused).toEqual([]);
    for (const name of [...added, 'last']) expect(hashes.has(name)).toBe(true);
    expect(added.size).toBeGreaterThanOrEqual(6);
    expect(await readdir(scratch.at('killed'))).toEqual(['users']);
  });

  test('rewrites a file in place that is mounted, and keeps its owner and mode', async () => {
    for (const folder of ['outside', 'inside']) await mkdir(scratch.at(folder));
    const [outside, inside] = [scratch.at('outside', 'users'), scratch.at('inside', 'users')];
    await writeFile(outside, `# people\nalice:${HASH}\n`);
    await chmod(outside, 0o640);
    await chown(outside, 1234, 1234);
    await writeFile(inside, '');
    await run('mount', ['--bind', outside, inside]);
    await add(inside, 'bob');
    expect([...parseUsers(await readFile(outside, 'utf8')).hashes.keys()]).toEqual(['alice', 'bob']);
    for (const name of ['alice', 'bob']) {
      await run(process.execPath, [main, 'user', 'remove', name], { env: env(inside) });
    }
    expect(await readFile(outside, 'utf8')).toBe('# people\n');
    expect(await stat(outside)).toMatchObject({ uid: 1234, gid: 1234, mode: 0o100640 });
    expect(await readdir(scratch.at('inside'))).toEqual(['users']);
  });
});
