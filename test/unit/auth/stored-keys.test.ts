import { afterEach, describe, expect, test } from 'vitest';
import { issueAccessToken, readAccessToken } from '../../../src/auth/access-token.ts';
import { openRefreshToken, sealRefreshToken } from '../../../src/auth/refresh-token.ts';
import { rotateKeys } from '../../../src/auth/rotate-keys.ts';
import { StoredKeyRing } from '../../../src/auth/stored-key-ring.ts';
import type { KeyStorage } from '../../../src/auth/stored-keys.ts';
import type { WriteOptions } from '../../../src/storage/driver.ts';
import { createInMemoryDriver } from '../../../src/storage/inmemory/inmemory-driver.ts';
import { StorageUnavailableError } from '../../../src/storage/storage-errors.ts';
import { collectLog } from '../../support/collected-log.ts';

const clock = { now: Date.parse('2026-01-01T00:00:00Z') };
const opened = new DisposableStack();

afterEach(() => {
  clock.now += 1000;
});

async function openRing(storage: KeyStorage, { signing = true } = {}): Promise<StoredKeyRing> {
  return opened.use(await StoredKeyRing.open({ storage, signing, log: collectLog(), now: () => clock.now }));
}

const nobody = { account: undefined, access: [], refused: [] };

function issue(ring: StoredKeyRing): string {
  const now = Math.floor(clock.now / 1000);
  return issueAccessToken(ring, nobody, { issuer: 'i', service: 's', expiration: 300, now });
}

const accepts = async (ring: StoredKeyRing, token: string): Promise<boolean> =>
  (await readAccessToken(token, { keys: ring, issuer: 'i' })) !== undefined;

describe('keys in the storage', () => {
  test('are made at the first start, beside the tree, readable to the owner alone, and kept', async () => {
    const driver = createInMemoryDriver();
    const written: [string, WriteOptions | undefined][] = [];
    const storage: KeyStorage = {
      ...driver,
      write: (key, content, options) => {
        written.push([key, options]);
        return driver.write(key, content, options);
      },
    };
    const first = await openRing(storage);
    const again = await openRing(storage);
    expect(again.signing().kid).toBe(first.signing().kid);
    expect(written.map(([key]) => key.split('.').at(-1))).toEqual(['key', 'seal']);
    for (const [key, options] of written) {
      expect(key).toMatch(/^fairlead\/token-keys\//);
      expect(options).toEqual({ ownerOnly: true });
    }
  });

  test('are agreed upon by servers that start at once', async () => {
    const storage = createInMemoryDriver();
    const rings = await Promise.all(Array.from({ length: 8 }, () => openRing(storage)));
    for (const ring of rings) for (const other of rings) expect(await accepts(other, issue(ring))).toBe(true);
    clock.now += 1000;
    for (const ring of rings) await ring.refresh();
    expect(new Set(rings.map((ring) => ring.signing().kid)).size).toBe(1);
    const seals = rings.map((ring) => Buffer.from(ring.sealing()).toString('hex'));
    expect(new Set(seals).size).toBe(1);
  });

  test('are followed when rotated, and the old one verifies until its tokens have ended', async () => {
    const storage = createInMemoryDriver();
    const ring = await openRing(storage);
    const other = await openRing(storage);
    const before = ring.signing().kid;
    const old = issue(ring);
    clock.now += 1000;
    await rotateKeys(storage, { now: clock.now, expiration: 300_000, all: false });
    await ring.refresh();
    expect(ring.signing().kid).not.toBe(before);
    expect(await accepts(other, issue(ring))).toBe(true);
    expect(await accepts(ring, old)).toBe(true);
    clock.now += 300_000;
    expect(ring.verifying().map(({ kid }) => kid)).toContain(before);
    clock.now += 120_001;
    expect(ring.verifying().map(({ kid }) => kid)).toEqual([ring.signing().kid]);
    expect(await accepts(ring, old)).toBe(false);
  });

  test('are there after two rotations at once', async () => {
    const storage = createInMemoryDriver();
    await openRing(storage);
    const rotate = () => rotateKeys(storage, { now: clock.now, expiration: 300_000, all: false });
    await Promise.all([rotate(), rotate()]);
    const ring = await openRing(storage);
    expect(await accepts(ring, issue(ring))).toBe(true);
  });

  test('stay in use while the storage is away', async () => {
    const driver = createInMemoryDriver();
    let away = false;
    const storage: KeyStorage = {
      ...driver,
      list: async (folder) => {
        if (away) throw new StorageUnavailableError('away');
        return driver.list(folder);
      },
    };
    const ring = await openRing(storage);
    away = true;
    clock.now += 1000;
    await ring.refresh();
    expect(await accepts(ring, issue(ring))).toBe(true);
    await expect(openRing(storage)).rejects.toThrow(StorageUnavailableError);
  });

  test('hold only a seal where the signing keys were given', async () => {
    const storage = createInMemoryDriver();
    const ring = await openRing(storage, { signing: false });
    expect(ring.opening()).toHaveLength(1);
    expect(() => ring.signing()).toThrow();
  });
});

describe('a refresh token', () => {
  const users = new Map([['alice', 'hash 1']]);
  const hashOf = (account: string) => users.get(account);

  test('is opened by every server on the storage, also after a restart and a rotation', async () => {
    const storage = createInMemoryDriver();
    const token = sealRefreshToken(await openRing(storage), { account: 'alice', hash: 'hash 1' });
    await rotateKeys(storage, { now: clock.now, expiration: 300_000, all: false });
    expect(await openRefreshToken(token, { seals: await openRing(storage), hashOf })).toBe('alice');
  });

  test('ends with the password, the user, and a rotation of all', async () => {
    const storage = createInMemoryDriver();
    const seals = await openRing(storage);
    const token = sealRefreshToken(seals, { account: 'alice', hash: 'hash 1' });
    expect(await openRefreshToken(token, { seals, hashOf: () => 'hash 2' })).toBeUndefined();
    expect(await openRefreshToken(token, { seals, hashOf: () => undefined })).toBeUndefined();
    const access = issue(seals);
    await rotateKeys(storage, { now: clock.now, expiration: 300_000, all: true });
    clock.now += 1000;
    await seals.refresh();
    expect(await openRefreshToken(token, { seals, hashOf })).toBeUndefined();
    expect(await accepts(seals, access)).toBe(false);
  });

  test('cannot be forged, cut or taken for an access token, nor one for it', async () => {
    const seals = await openRing(createInMemoryDriver());
    const token = sealRefreshToken(seals, { account: 'alice', hash: 'hash 1' });
    const flipped = `${token.slice(0, 20)}${token[20] === 'A' ? 'B' : 'A'}${token.slice(21)}`;
    for (const forged of [
      '',
      'flr1.',
      'flr1.AAAA',
      token.slice(0, -4),
      flipped,
      issue(seals),
      'x'.repeat(1e6),
    ]) {
      expect(await openRefreshToken(forged, { seals, hashOf })).toBeUndefined();
    }
    expect(await accepts(seals, token)).toBe(false);
    const foreign = await openRing(createInMemoryDriver());
    expect(await openRefreshToken(token, { seals: foreign, hashOf })).toBeUndefined();
    expect(token).not.toContain(Buffer.from('alice').toString('base64url').slice(0, 6));
  });
});
