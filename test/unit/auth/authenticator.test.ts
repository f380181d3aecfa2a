import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Authenticator } from '../../../src/auth/authenticator.ts';
import { type BcryptHash, compareBcrypt, hashOfNobody, hashPassword } from '../../../src/auth/bcrypt-hash.ts';
import { ComparisonQueue } from '../../../src/auth/comparison-queue.ts';
import { LoginThrottle } from '../../../src/auth/login-throttle.ts';

let secret: BcryptHash;
let changed: BcryptHash;

beforeAll(async () => {
  secret = await hashPassword('secret', 4);
  changed = await hashPassword('changed', 4);
});

describe('a login', () => {
  const clock = { now: 0 };
  let hashes: Map<string, BcryptHash>;
  let authenticator: Authenticator;

  beforeEach(() => {
    clock.now = 1_000_000;
    hashes = new Map([['alice', secret]]);
    authenticator = new Authenticator({
      users: { refresh: async () => {}, hashOf: (name) => hashes.get(name), usualCost: 4 },
      queue: new ComparisonQueue({ concurrency: 2, waitingPerAddress: 1000, waiting: 1000 }),
      throttle: new LoginThrottle({ account: 5, address: 20, window: 60_000, now: () => clock.now }),
      now: () => clock.now,
    });
  });

  const login = async (password: string, { account = 'alice', address = '10.0.0.1' } = {}) =>
    (await authenticator.login({ account, password, address })).kind;
  const outcome = (password: string, address?: string) =>
    login(password, address === undefined ? {} : { address }).catch((error: { code: string }) => error.code);

  test('succeeds with the right password, and is remembered for a minute', async () => {
    expect(await login('secret')).toBe('right');
    expect(await login('secret')).toBe('remembered');
    clock.now += 60_001;
    expect(await login('secret')).toBe('right');
  });

  test('fails alike with a wrong password and an unknown name', async () => {
    expect(await login('wrong')).toBe('wrong');
    expect(await login('secret', { account: 'bob' })).toBe('wrong');
    expect(await login('', { account: 'alice' })).toBe('wrong');
    expect(await login('.', { account: '__proto__' })).toBe('wrong');
  });

  test('is forgotten when the password changes or the user goes', async () => {
    await login('secret');
    hashes.set('alice', changed);
    expect(await login('secret')).toBe('wrong');
    expect(await login('changed')).toBe('right');
    hashes.delete('alice');
    expect(await login('changed')).toBe('wrong');
  });

  test('that is remembered passes whatever the throttle says', async () => {
    await login('secret');
    for (let count = 0; count < 5; count++) await login('wrong');
    await expect(login('wrong')).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' });
    expect(await login('secret')).toBe('remembered');
  });

  test('from another address is not locked out by wrong passwords', async () => {
    for (let count = 0; count < 8; count++) await outcome('wrong');
    expect(await outcome('secret')).toBe('TOOMANYREQUESTS');
    expect(await outcome('secret', '10.0.0.2')).toBe('right');
  });

  test.each([
    ['the same', () => 'wrong'],
    ['different', (count: number) => `wrong ${count}`],
  ])('of 200 with %s wrong passwords at once, five are judged', async (_, password) => {
    const outcomes = await Promise.all(Array.from({ length: 200 }, (_, count) => outcome(password(count))));
    expect(outcomes.filter((kind) => kind === 'wrong')).toHaveLength(5);
    expect(outcomes.filter((kind) => kind === 'TOOMANYREQUESTS')).toHaveLength(195);
  });

  test('that many ask for at once is compared once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => login('secret')));
    expect(outcomes.every((kind) => kind !== 'wrong')).toBe(true);
  });
});

describe('bcrypt', () => {
  test.each(['$2a$', '$2b$', '$2y$'])('compares %s', async (prefix) => {
    const hash = `${prefix}${secret.slice(4)}` as BcryptHash;
    expect(await compareBcrypt('secret', hash)).toBe(true);
    expect(await compareBcrypt('wrong', hash)).toBe(false);
  });

  test('spends the same on nobody, who has no password', async () => {
    expect(await compareBcrypt('', hashOfNobody(4))).toBe(false);
    const started = performance.now();
    await compareBcrypt('secret', hashOfNobody(9));
    expect(performance.now() - started).toBeGreaterThan(5);
  });
});
