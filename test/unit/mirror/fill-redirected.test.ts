import { describe, expect, it } from 'vitest';
import { answer, cutAfter, redirect, wrongBytes } from '../../support/upstream/faults.ts';
import { bytes, fillBenches, readFill, storedContent } from '../../support/upstream/fill-bench.ts';
import type { ScriptedUpstream } from '../../support/upstream/scripted-upstream.ts';

const { upstream, bench } = fillBenches();
const MiB = 1024 * 1024;
/** Several connections from the first answer on, and many parts. */
const parallel = {
  parallelFrom: 2 * MiB,
  firstPiece: MiB / 2,
  smallestPiece: MiB / 8,
  spreadPiece: MiB / 4,
  farFrom: 0,
};
const blobs = /^GET .*blobs/;
const content = bytes(4 * MiB);

/** A registry that redirects to a storage host, whose address has another signature each time. */
async function redirected() {
  const [up, storage] = [await upstream(), await upstream()];
  const digest = storage.addBlob(content);
  leadTo(up, storage);
  const it = await bench([up], { limits: parallel });
  const fetch = async (): Promise<void> => {
    const fill = await it.fill(digest, content.length);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
    expect((await storedContent(it, digest)).equals(content)).toBe(true);
  };
  return { up, storage, digest, it, fetch };
}

function leadTo(up: ScriptedUpstream, storage: ScriptedUpstream): void {
  up.on(
    blobs,
    redirect(({ url }) => `${storage.url}${url.pathname}?signature=${up.requests.length}`),
  );
}

describe('a large fill that a registry redirects', () => {
  it('asks the registry once, and the storage host for every part', async () => {
    const { up, storage, fetch } = await redirected();
    await fetch();
    expect(up.count(blobs)).toBe(1);
    expect(storage.count(/signature=1/)).toBeGreaterThan(8);
    expect(storage.count(/./)).toBe(storage.count(/signature=1/));
  });

  it('asks the registry again, each connection at most once, when the address is good no more', async () => {
    const { up, storage, fetch } = await redirected();
    storage.on(({ url }) => /=1$/.test(url.search) && storage.requests.length > 8, answer(403));
    await fetch();
    expect(up.count(blobs)).toBeGreaterThan(1);
    expect(up.count(blobs)).toBeLessThanOrEqual(13);
    expect(storage.count(/signature=(?!1$)/)).toBeGreaterThan(2);
  });

  it('is done, by asking the registry for each part, when an address is good for one request alone', async () => {
    const { storage, fetch } = await redirected();
    const seen = new Set<string>();
    storage.on(({ url }) => seen.has(url.search) || !seen.add(url.search), answer(403));
    await fetch();
  });

  it('goes on at another storage host when the first is gone', async () => {
    const { up, storage, digest, fetch } = await redirected();
    const other = await upstream();
    other.blobs.set(digest, content);
    storage.on(
      () => storage.requests.length > 6,
      () => {
        up.heal();
        leadTo(up, other);
        void storage.stop();
      },
    );
    await fetch();
    expect(other.count(blobs)).toBeGreaterThan(2);
  });

  it('asks the registry again after what broke on the way', async () => {
    const { up, storage, fetch } = await redirected();
    storage.on(() => storage.requests.length > 6, cutAfter(MiB / 16), 1);
    await fetch();
    expect(up.count(blobs)).toBeGreaterThan(1);
  });

  it('asks the registry anew for the next fill', async () => {
    const { up, storage, digest, it, fetch } = await redirected();
    storage.on(() => storage.requests.length > 6, wrongBytes, 1);
    const fill = await it.fill(digest, content.length);
    await expect(fill.kept).rejects.toThrow(/other content/);
    expect(up.count(blobs)).toBe(1);
    await fetch();
    expect(up.count(blobs)).toBe(2);
  });
});
