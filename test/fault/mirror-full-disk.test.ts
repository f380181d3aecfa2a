import { randomBytes } from 'node:crypto';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { peakMemory } from '../support/peak-memory.ts';
import { makeScratch } from '../support/scratch.ts';
import { mountTmpfs } from '../support/tmpfs.ts';
import { pull, startFaultMirror, storageCheck } from '../support/upstream/fault-mirror.ts';
import { wrongBytes } from '../support/upstream/faults.ts';
import { ScriptedUpstream } from '../support/upstream/scripted-upstream.ts';

const MiB = 1024 * 1024;
const REPOSITORY = '/v2/up.example/team/app';
/** MiB: what readers who take nothing may cost, whatever the size of what they ask for. */
const MOST_RESIDENT = 250;

/** A mirror on 64 MiB, of which a file beside the registry's tree can take and give back any part. */
async function mirrorOnSmallDisk(held: AsyncDisposableStack) {
  const scratch = held.use(makeScratch());
  const storage = join(scratch.path, 'storage');
  held.use(await mountTmpfs(storage, '64m'));
  const upstream = held.use(await ScriptedUpstream.start());
  const mirror = held.use(
    await startFaultMirror({
      directory: scratch.path,
      upstreams: [{ name: 'up.example', urls: [upstream.url] }],
    }),
  );
  const ballast = join(storage, 'ballast');
  const room = async () => {
    const { bavail, bsize } = await statfs(storage);
    return bavail * bsize;
  };
  return {
    upstream,
    mirror,
    check: storageCheck(mirror.root),
    room,
    /** Leaves this many bytes free, or as few as can be. */
    fill: async (free: number) => {
      await writeFile(ballast, '');
      await writeFile(ballast, Buffer.alloc(Math.max(0, (await room()) - free)));
    },
    free: () => rm(ballast),
    blob: (digest: string, headers = {}) => pull(mirror.url, `${REPOSITORY}/blobs/${digest}`, { headers }),
    manifest: (reference: string) => pull(mirror.url, `${REPOSITORY}/manifests/${reference}`),
  };
}

describeWith(['root'], 'a mirror on a full disk', () => {
  test('passes an image on that it cannot keep, and keeps it when there is room', async () => {
    await using held = new AsyncDisposableStack();
    const { upstream, mirror, check, fill, free, blob, manifest } = await mirrorOnSmallDisk(held);
    const layers = [randomBytes(1000), randomBytes(MiB), randomBytes(24 * MiB)];
    const digest = upstream.addImage('team/app', 'v1', layers);
    const digests = layers.map((layer) => upstream.addBlob(layer));
    await fill(0);
    for (const reference of ['v1', 'v1', digest]) {
      expect(await manifest(reference)).toMatchObject({ status: 200, digest, ended: true });
    }
    for (const one of digests)
      expect(await blob(one)).toMatchObject({ status: 200, digest: one, ended: true });
    const [, , large = ''] = digests;
    const range = await blob(large, { range: `bytes=${MiB}-${2 * MiB - 1}` });
    expect(range).toMatchObject({ status: 206, bytes: MiB, ended: true });
    const rest = await blob(large, { range: `bytes=${23 * MiB}-` });
    expect(rest).toMatchObject({ status: 206, bytes: MiB, ended: true });
    for (const one of [digest, ...digests]) {
      const line = () =>
        mirror
          .output()
          .split('\n')
          .find((text) => text.includes(one));
      await expect.poll(line).toMatch(/warn.*up\.example\/team\/app.*no room/);
    }
    await check([digest, ...digests]);

    await free();
    expect(await manifest('v1')).toMatchObject({ status: 200, digest });
    for (const one of digests) expect(await blob(one)).toMatchObject({ status: 200, digest: one });
    await check();
    await upstream.stop();
    expect(await manifest(digest)).toMatchObject({ status: 200, digest });
    for (const one of digests) expect(await blob(one)).toMatchObject({ status: 200, digest: one });
  });

  test('passes on the rest of a layer that fills it, to all who read it, and takes no room for it', async () => {
    await using held = new AsyncDisposableStack();
    const { upstream, check, fill, room, blob } = await mirrorOnSmallDisk(held);
    const digest = upstream.addBlob(randomBytes(48 * MiB));
    await fill(12 * MiB);
    const answers = await Promise.all(Array.from({ length: 4 }, () => blob(digest)));
    for (const one of answers) expect(one).toMatchObject({ status: 200, digest, ended: true });
    await check([digest]);
    expect(await room()).toBeGreaterThan(11 * MiB);
  });

  test('ends no wrong layer as if complete', async () => {
    await using held = new AsyncDisposableStack();
    const { upstream, fill, blob } = await mirrorOnSmallDisk(held);
    const size = 3 * MiB;
    const digest = upstream.addBlob(randomBytes(size));
    upstream.on(/blobs/, wrongBytes);
    await fill(0);
    for (const headers of [{}, { range: `bytes=${2 * MiB}-` }]) {
      expect(await blob(digest, headers)).toMatchObject({ ended: false });
    }
  });

  test('holds little of what its readers do not take', async () => {
    await using held = new AsyncDisposableStack();
    const { upstream, mirror, fill } = await mirrorOnSmallDisk(held);
    const content = randomBytes(96 * MiB);
    const digest = upstream.addBlob(content);
    await fill(0);
    const url = `${mirror.url}${REPOSITORY}/blobs/${digest}`;
    const readers = await Promise.all(
      Array.from(
        { length: 8 },
        () => new Promise<IncomingMessage>((resolve, reject) => get(url, resolve).on('error', reject)),
      ),
    );
    await delay(1_500);
    const [first, ...others] = readers;
    for (const one of others) one.destroy();
    let at = 0;
    for await (const chunk of first ?? []) {
      expect(content.compare(chunk, 0, chunk.length, at, at + chunk.length)).toBe(0);
      at += chunk.length;
    }
    expect(at).toBe(content.length);
    expect(await peakMemory(mirror.pid)).toBeLessThan(MOST_RESIDENT);
  });
});
