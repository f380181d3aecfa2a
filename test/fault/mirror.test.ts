import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { type RegistryServer, startRegistry } from '../support/registry-server.ts';
import { makeScratch } from '../support/scratch.ts';
import { bend } from '../support/upstream/faults.ts';
import { ScriptedUpstream } from '../support/upstream/scripted-upstream.ts';

const MiB = 1024 * 1024;
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

/** Reads a blob; leaves after so many bytes where that is given. @returns the digest of what came, and how much */
function read(
  { url }: RegistryServer,
  digest: string,
  leaveAfter = Number.POSITIVE_INFINITY,
): Promise<{ digest: string; bytes: number }> {
  return new Promise((resolve, reject) => {
    const asked = get(`${url}/v2/library/big/blobs/${digest}`, { agent: new Agent() }, (res) => {
      const hash = createHash('sha256');
      let bytes = 0;
      const end = () => resolve({ digest: `sha256:${hash.digest('hex')}`, bytes });
      res.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        hash.update(chunk);
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
  const { upstream, mirror, digest, content } = await start(32 * MiB);
  const clients = Array.from({ length: 100 }, (_, index) =>
    read(mirror, digest, index % 2 === 0 ? Number.POSITIVE_INFINITY : MiB * (1 + (index % 20))),
  );
  const got = await Promise.all(clients);
  for (const [index, one] of got.entries()) if (index % 2 === 0) expect(one.digest).toBe(digest);
  expect(upstream.blobBytes).toBeLessThanOrEqual(content.length * 1.05);
  expect(residentMiB(mirror.pid)).toBeLessThan(300);
  const requests = upstream.requests.length;
  expect((await read(mirror, digest)).digest).toBe(digest);
  expect(upstream.requests.length).toBe(requests);
});

test('a kill in the middle of a fill leaves nothing that is served afterwards', async () => {
  const { upstream, mirror, digest, content } = await start(16 * MiB);
  // Whatever range is asked for, half of it comes and then nothing, until the kill.
  let stuck = true;
  upstream.on(
    /blobs/,
    bend((body, res) => void (stuck ? res.write(body.subarray(0, body.length >> 1)) : res.end(body))),
  );
  const reading = read(mirror, digest).then(
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
  expect(await read(mirror, digest)).toEqual({ digest, bytes: content.length });
});
