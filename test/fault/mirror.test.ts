import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { expect, test } from 'vitest';
import { disposing } from '../support/disposing.ts';
import { peakMemory } from '../support/peak-memory.ts';
import { type RegistryServer, startRegistry } from '../support/registry-server.ts';
import { makeScratch } from '../support/scratch.ts';
import { storageCheck } from '../support/upstream/fault-mirror.ts';
import { bend } from '../support/upstream/faults.ts';
import { ScriptedUpstream } from '../support/upstream/scripted-upstream.ts';

const MiB = 1024 * 1024;
/** MiB: what a hundred connections may cost at their peak, whatever the size of the layer. */
const MOST_RESIDENT = 250;

interface Reading {
  readonly digest: string;
  readonly content: Buffer;
  /** Bytes. Default: never. */
  readonly leaveAfter?: number;
  /** Called as bytes come, with how many. */
  readonly onData?: (bytes: number) => unknown;
}

const hold = disposing();

async function start(size: number) {
  const scratch = hold(makeScratch());
  const upstream = hold(await ScriptedUpstream.start());
  const content = randomBytes(size);
  const digest = upstream.addBlob(content);
  const mirror = hold(
    await startRegistry({
      kind: 'fairlead',
      directory: scratch.path,
      config: { mirror: { upstreams: [{ name: 'docker.io', urls: [upstream.url] }] } },
    }),
  );
  return { upstream, mirror, digest, content };
}

/**
 * Reads a blob, each byte compared as it comes; leaves after so many bytes where that is given.
 * @returns how many bytes came, and whether they are the content's
 */
function read(
  { url }: RegistryServer,
  { digest, content, leaveAfter = Number.POSITIVE_INFINITY, onData }: Reading,
): Promise<{ right: boolean; bytes: number }> {
  return new Promise((resolve, reject) => {
    const asked = get(`${url}/v2/library/big/blobs/${digest}`, { agent: new Agent() }, (res) => {
      let bytes = 0;
      let right = res.statusCode === 200;
      const end = () => resolve({ right, bytes });
      res.on('data', (chunk: Buffer) => {
        right &&= content.compare(chunk, 0, chunk.length, bytes, bytes + chunk.length) === 0;
        bytes += chunk.length;
        onData?.(chunk.length);
        if (bytes < leaveAfter) return;
        asked.destroy();
        end();
      });
      res.on('end', end);
      res.on('error', (error) => (bytes >= leaveAfter ? undefined : reject(error)));
    });
    asked.on('error', reject);
  });
}

test('a hundred clients of one cold layer cost one transfer, half of them leaving in the middle', async () => {
  const { upstream, mirror, digest, content } = await start(256 * MiB);
  const clients = Array.from({ length: 100 }, (_, index) =>
    read(mirror, { digest, content, ...(index % 2 === 0 ? {} : { leaveAfter: MiB * (1 + 2 * index) }) }),
  );
  const got = await Promise.all(clients);
  for (const [index, { right, bytes }] of got.entries()) {
    expect(right).toBe(true);
    if (index % 2 === 0) expect(bytes).toBe(content.length);
  }
  expect(upstream.blobBytes).toBeLessThanOrEqual(content.length * 1.05);
  expect(await peakMemory(mirror.pid)).toBeLessThan(MOST_RESIDENT);
  await upstream.stop();
  expect(await read(mirror, { digest, content })).toEqual({ right: true, bytes: content.length });
});

test('a layer of which everybody leaves is fetched to its end', async () => {
  const { upstream, mirror, digest, content } = await start(64 * MiB);
  const clients = Array.from({ length: 20 }, (_, index) =>
    read(mirror, { digest, content, leaveAfter: MiB * (1 + index) }),
  );
  for (const { right } of await Promise.all(clients)) expect(right).toBe(true);
  const data = `${mirror.root}/docker/registry/v2/blobs/sha256/${digest.slice(7, 9)}/${digest.slice(7)}/data`;
  await expect.poll(() => existsSync(data), { timeout: 30_000 }).toBe(true);
  await upstream.stop();
  expect(await read(mirror, { digest, content })).toEqual({ right: true, bytes: content.length });
  expect(upstream.blobBytes).toBeLessThanOrEqual(content.length * 1.05);
});

test('a kill in the middle of a fill leaves nothing that is served afterwards', async () => {
  const { upstream, mirror, digest, content } = await start(16 * MiB);
  // Whatever range is asked for, half of it comes and then nothing, until the kill.
  let stuck = true;
  upstream.on(
    /blobs/,
    bend((body, res) => void (stuck ? res.write(body.subarray(0, body.length >> 1)) : res.end(body))),
  );
  let came = 0;
  const onData = (bytes: number): void => {
    came += bytes;
  };
  const reading = read(mirror, { digest, content, onData }).then(
    () => 'ended',
    () => 'broken',
  );
  await expect.poll(() => came, { timeout: 20_000 }).toBeGreaterThan(MiB);
  await mirror.kill();
  stuck = false;
  expect(await reading).toBe('broken');
  const blobs = `${mirror.root}/docker/registry/v2/blobs`;
  expect(
    existsSync(blobs)
      ? readdirSync(blobs, { recursive: true }).filter((name) => /data$/.test(`${name}`))
      : [],
  ).toEqual([]);
  await mirror.start();
  expect(await read(mirror, { digest, content })).toEqual({ right: true, bytes: content.length });
});

test('kills in the middle of many fills leave nothing wrong, and what was under way is served afterwards', async () => {
  const { upstream, mirror } = await start(1);
  const check = storageCheck(mirror.root);
  const blobs = [1, 2, 5, 9, 17, 24].map((size) => {
    const content = randomBytes(size * MiB);
    return { content, digest: upstream.addBlob(content) };
  });
  for (const killAfter of [MiB, 8 * MiB, 24 * MiB]) {
    let came = 0;
    let killed: Promise<void> | undefined;
    const onData = (bytes: number): void => {
      came += bytes;
      if (came > killAfter) killed ??= mirror.kill();
    };
    const reading = blobs.map((blob) => read(mirror, { ...blob, onData }));
    const ended = await Promise.allSettled(reading);
    await killed;
    // Not all of them had come by then.
    expect(ended.map(({ status }) => status)).toContain('rejected');
    await check();
    await mirror.start();
  }
  for (const blob of blobs) {
    expect(await read(mirror, blob)).toEqual({ right: true, bytes: blob.content.length });
  }
  await check();
});
