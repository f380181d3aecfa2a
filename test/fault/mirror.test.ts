import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { type RegistryServer, startRegistry } from '../support/registry-server.ts';
import { makeScratch } from '../support/scratch.ts';
import { storageCheck } from '../support/upstream/fault-mirror.ts';
import { bend } from '../support/upstream/faults.ts';
import { ScriptedUpstream } from '../support/upstream/scripted-upstream.ts';

const MiB = 1024 * 1024;
/** MiB: what a hundred connections may cost at their peak, whatever the size of the layer. */
const MOST_RESIDENT = 250;

interface Blob {
  readonly digest: string;
  readonly content: Buffer;
}

const held: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of held.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function start(size: number) {
  const scratch = makeScratch();
  held.push(scratch);
  const upstream = await ScriptedUpstream.start();
  held.push(upstream);
  const content = randomBytes(size);
  const digest = upstream.addBlob(content);
  const mirror = await startRegistry({
    kind: 'fairlead',
    directory: scratch.path,
    config: { mirror: { upstreams: [{ name: 'docker.io', urls: [upstream.url] }] } },
  });
  held.push(mirror);
  return { upstream, mirror, digest, content };
}

/**
 * Reads a blob, each byte compared as it comes; leaves after so many bytes where that is given.
 * @returns how many bytes came, and whether they are the content's
 */
function read(
  { url }: RegistryServer,
  { digest, content, leaveAfter = Number.POSITIVE_INFINITY }: Blob & { readonly leaveAfter?: number },
): Promise<{ right: boolean; bytes: number }> {
  return new Promise((resolve, reject) => {
    const asked = get(`${url}/v2/library/big/blobs/${digest}`, { agent: new Agent() }, (res) => {
      let bytes = 0;
      let right = res.statusCode === 200;
      const end = () => resolve({ right, bytes });
      res.on('data', (chunk: Buffer) => {
        right &&= content.compare(chunk, 0, chunk.length, bytes, bytes + chunk.length) === 0;
        bytes += chunk.length;
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

const residentMiB = (pid: number): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
};

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
  expect(residentMiB(mirror.pid)).toBeLessThan(MOST_RESIDENT);
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
  const reading = read(mirror, { digest, content }).then(
    () => 'ended',
    () => 'broken',
  );
  await expect.poll(() => upstream.requests.length).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 500));
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
  for (let round = 0; round < 3; round++) {
    const reading = blobs.map((blob) => read(mirror, blob).catch(() => ({ right: false, bytes: 0 })));
    await new Promise((resolve) => setTimeout(resolve, 40 + 60 * round));
    await mirror.kill();
    await Promise.all(reading);
    await check();
    await mirror.start();
  }
  for (const blob of blobs) {
    expect(await read(mirror, blob)).toEqual({ right: true, bytes: blob.content.length });
  }
  await check();
});
