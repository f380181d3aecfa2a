import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Authenticator } from '../../src/auth/authenticator.ts';
import { ComparisonQueue, WAITING_COMPARISONS } from '../../src/auth/comparison-queue.ts';
import { HtpasswdAuthorizer } from '../../src/auth/htpasswd-authorizer.ts';
import { HtpasswdUsers, parseHtpasswd } from '../../src/auth/htpasswd-users.ts';
import { provisionHtpasswd } from '../../src/auth/provision-htpasswd.ts';
import { type CollectedLog, collectLog } from '../support/collected-log.ts';
import { basic, userLine } from '../support/login-registry.ts';
import { createTestRegistry } from '../support/test-registry.ts';

let folder: string;
let path: string;
let log: CollectedLog;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-htpasswd-'));
  path = join(folder, 'auth', 'htpasswd');
  log = collectLog();
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function start() {
  const users = new HtpasswdUsers({ path, log, now: Date.now });
  const queue = new ComparisonQueue({ ...WAITING_COMPARISONS, concurrency: 2 });
  const authenticator = new Authenticator({ users, queue, throttle: undefined, now: Date.now });
  const authorizer = new HtpasswdAuthorizer({ realm: 'a "realm"', authenticator, auditLog: log });
  const { app } = createTestRegistry({ authorizer });
  return (target: string, authorization?: string) => {
    const sent = request(app).get(target);
    return authorization === undefined ? sent : sent.set('Authorization', authorization);
  };
}

describe('auth.htpasswd', () => {
  test('makes a file that is not there, with a user whose password is logged once', async () => {
    await provisionHtpasswd(path, log);
    await provisionHtpasswd(path, log);
    expect(log.lines).toHaveLength(1);
    const { user, initialPassword } = log.lines[0]?.fields ?? {};
    expect(user).toBe('docker');
    expect(await readFile(path, 'utf8')).toMatch(/^docker:\$2b\$10\$/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
    await start()('/v2/', basic('docker', String(initialPassword))).expect(200);
  });

  test('is an error at once where its folder can neither be found nor made', async () => {
    await expect(provisionHtpasswd('/proc/fairlead/htpasswd', log)).rejects.toMatchObject({
      message: 'auth.htpasswd.path is not there and cannot be made',
      cause: { code: 'ENOENT' },
    });
  });

  test('is an error at once where it is there and cannot be read', async () => {
    const below = join(folder, 'file');
    await writeFile(below, '');
    for (const [unreadable, code] of [
      [folder, 'EISDIR'],
      [join(below, 'htpasswd'), 'ENOTDIR'],
    ] as const) {
      await expect(provisionHtpasswd(unreadable, log)).rejects.toMatchObject({
        message: 'auth.htpasswd.path cannot be read',
        cause: { code },
      });
    }
  });

  test('asks for name and password, and who has them does everything', async () => {
    await provisionHtpasswd(path, log);
    await writeFile(path, `# people\n\n${await userLine('alice', 'secret')}old:$apr1$x$y\n`);
    const get = start();
    for (const authorization of [
      undefined,
      'Bearer abc',
      basic('alice', 'wrong'),
      basic('old', 'x'),
      basic('', ''),
    ]) {
      const { headers } = await get('/v2/', authorization).expect(401);
      expect(headers['www-authenticate']).toBe('Basic realm="a \\"realm\\""');
    }
    await get('/v2/', basic('alice', 'secret')).expect(200);
    await get('/v2/_catalog', basic('alice', 'secret')).expect(200, { repositories: [] });
    await get('/v2/anything/at/all/tags/list', basic('alice', 'secret')).expect(404);
    await get('/v1/search').expect(404);
  });

  test('is read once for those who come first at once, and none of them is turned away', async () => {
    await provisionHtpasswd(path, log);
    const users = new HtpasswdUsers({ path, log, now: Date.now });
    await Promise.all([users.refresh(0), users.refresh(0), users.refresh(0)]);
    expect(users.hashOf('docker')).toBeDefined();
  });

  test('follows the file, and keeps the users of before while it cannot be parsed', async () => {
    await provisionHtpasswd(path, log);
    await writeFile(path, await userLine('alice', 'secret'));
    const get = start();
    await get('/v2/', basic('alice', 'secret')).expect(200);
    await writeFile(path, `${await userLine('bob', 'other')}garbage\n`);
    await get('/v2/', basic('bob', 'other')).expect(401);
    await writeFile(path, await userLine('bob', 'other'));
    await utimes(path, 1, 1);
    await get('/v2/', basic('bob', 'other')).expect(200);
    await get('/v2/', basic('alice', 'secret')).expect(401);
  });

  test('takes a file that is away for an outage, not for wrong passwords', async () => {
    await provisionHtpasswd(path, log);
    await rm(path);
    const get = start();
    await get('/v2/', basic('alice', 'secret')).expect(503);
    await get('/v2/').expect(401);
    await writeFile(path, 'garbage');
    await get('/v2/', basic('alice', 'secret')).expect(503);
  });
});

describe('an htpasswd file as distribution judges it', () => {
  const [one, other] = ['a', 'b'].map((letter) => `$2y$05$${letter.repeat(53)}`);

  test('has the last of two lines with one name', () => {
    expect([...parseHtpasswd(`a:${one}\n a:${other} \r\nb:plain\n#c:${one}\n`)]).toEqual([['a', other]]);
    expect(parseHtpasswd(`a:${one}\na:plain`).has('a')).toBe(false);
  });

  test('cannot have a line without a colon', () => {
    expect(() => parseHtpasswd('\na')).toThrow(/^line 2: /);
  });
});
