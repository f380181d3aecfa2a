import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { Candidates, DEFAULT_GRACE_PERIOD } from '../../../src/storage/candidates.ts';
import { createInMemoryDriver } from '../../../src/storage/inmemory/inmemory-driver.ts';
import { blobDataKey, candidateKey, deletingKey, gracePeriodKey } from '../../../src/storage/layout.ts';
import { BlobBeingDeletedError, Linker } from '../../../src/storage/linking.ts';
import { LinkStore } from '../../../src/storage/links.ts';
import { KeyNotFoundError } from '../../../src/storage/storage-errors.ts';
import { EMPTY_CONFIG, imageManifest, pushBlob, putManifest, send } from '../../support/api-client.ts';
import { createTestRegistry, TEST_SETTINGS } from '../../support/test-registry.ts';

const content = EMPTY_CONFIG;
const digest = digestOf(content);
const link = 'docker/registry/v2/repositories/a/_layers/x/link';

function bench() {
  const driver = createInMemoryDriver();
  let now = 0;
  let date = Date.now();
  const candidates = new Candidates(driver, { now: () => now, clock: () => new Date(date) });
  const links = new LinkStore(driver, { now: () => now, log: { warn: () => {} } });
  const has = (key: string) =>
    driver.stat(key).then(
      () => true,
      () => false,
    );
  return {
    driver,
    linker: new Linker(candidates, links),
    has,
    pass: (milliseconds: number) => {
      now += milliseconds;
      date += milliseconds;
    },
  };
}

describe('linking', () => {
  test('takes the candidate off the list, puts the data in place, writes the link, in this order', async () => {
    const { driver, linker, has } = bench();
    await driver.write(candidateKey(digest), Buffer.from('2026'));
    await linker.link({
      digest,
      link,
      ensureData: async () => {
        expect(await has(candidateKey(digest))).toBe(false);
        expect(await has(link)).toBe(false);
        await driver.write(blobDataKey(digest), content);
      },
    });
    expect(await has(link)).toBe(true);
  });

  test('writes no link where the data cannot be put in place', async () => {
    const { linker, has } = bench();
    const ensureData = () => Promise.reject(new KeyNotFoundError('data'));
    await expect(linker.link({ digest, link, ensureData })).rejects.toBeInstanceOf(KeyNotFoundError);
    expect(await has(link)).toBe(false);
  });

  test('a blob that is being deleted is not linked until that is over', async () => {
    const { driver, linker, has } = bench();
    await driver.write(candidateKey(digest), Buffer.from('2026'));
    await driver.write(deletingKey(digest), Buffer.from('now'));
    const ensureData = async () => {};
    await expect(linker.link({ digest, link, ensureData })).rejects.toBeInstanceOf(BlobBeingDeletedError);
    expect(await has(candidateKey(digest))).toBe(false);
    expect(await has(link)).toBe(false);
    await driver.delete(deletingKey(digest));
    await linker.link({ digest, link, ensureData });
    expect(await has(link)).toBe(true);
  });

  test('a mark without its candidate is seen by a server that reads the list only now', async () => {
    const { driver, linker } = bench();
    await driver.write(deletingKey(digest), Buffer.from('now'));
    await expect(linker.keep(digest)).rejects.toBeInstanceOf(BlobBeingDeletedError);
  });

  test('a mark that a dead collector left behind holds for ten minutes', async () => {
    const { driver, linker, pass, has } = bench();
    await driver.write(deletingKey(digest), Buffer.from('then'));
    pass(9 * 60_000);
    await expect(linker.keep(digest)).rejects.toBeInstanceOf(BlobBeingDeletedError);
    pass(2 * 60_000);
    await linker.keep(digest);
    expect(await has(deletingKey(digest))).toBe(false);
  });

  test.each([
    ['the default', undefined, DEFAULT_GRACE_PERIOD],
    ['what lies beside the candidates', '60000', 60_000],
    ['the default where that is nonsense', '-5', DEFAULT_GRACE_PERIOD],
  ])('the list is read anew after half the grace period: %s', async (_, text, grace) => {
    const { driver, linker, pass, has } = bench();
    if (text !== undefined) await driver.write(gracePeriodKey, Buffer.from(text));
    await linker.keep(digest);
    await driver.write(candidateKey(digest), Buffer.from('2026'));
    pass(grace / 2 - 1);
    await linker.keep(digest);
    expect(await has(candidateKey(digest))).toBe(true);
    pass(1);
    await linker.keep(digest);
    expect(await has(candidateKey(digest))).toBe(false);
  });
});

describe('whatever names a blob keeps it', () => {
  const other = digestOf(Buffer.from('other'));
  const manifests = { ...TEST_SETTINGS.manifests, disabled: true };

  test.each([
    ['a manifest, validated', {}],
    ['a manifest, not validated', { manifests }],
  ])('%s', async (_, settings) => {
    const before = createTestRegistry();
    await pushBlob(before, { name: 'a', content });
    await before.driver.write(candidateKey(digest), Buffer.from('2026'));
    const registry = createTestRegistry({ driver: before.driver, settings });
    expect((await putManifest(registry, 'a/manifests/v1', imageManifest())).status).toBe(201);
    await expect(before.driver.stat(candidateKey(digest))).rejects.toBeInstanceOf(KeyNotFoundError);
  });

  test('a mount, and a subject of a new referrer', async () => {
    const before = createTestRegistry();
    await pushBlob(before, { name: 'a', content });
    await pushBlob(before, { name: 'b', content });
    for (const key of [candidateKey(digest), candidateKey(other)])
      await before.driver.write(key, Buffer.from('2026'));
    const registry = createTestRegistry({ driver: before.driver });
    expect((await send(registry, `POST /v2/b/blobs/uploads/?mount=${digest}&from=a`)).status).toBe(201);
    const subject = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: other, size: 5 };
    expect((await putManifest(registry, 'a/manifests/r', imageManifest({ subject }))).status).toBe(201);
    expect((await before.driver.list('docker/registry/v2/candidates/sha256')).entries).toEqual([]);
  });

  test('a manifest that names what is being deleted is told to push it again', async () => {
    const before = createTestRegistry();
    await pushBlob(before, { name: 'a', content });
    await before.driver.write(deletingKey(digest), Buffer.from('now'));
    const registry = createTestRegistry({ driver: before.driver });
    expect((await putManifest(registry, 'a/manifests/v1', imageManifest())).codes).toEqual([
      'MANIFEST_BLOB_UNKNOWN',
    ]);
    expect((await send(registry, `POST /v2/c/blobs/uploads/?mount=${digest}&from=a`)).status).toBe(202);
  });
});
