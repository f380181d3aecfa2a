import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Digest } from '../../src/oci/digest.ts';
import { describeWith } from '../support/describe-with.ts';
import type { RegistryServer } from '../support/registry-server.ts';
import { type S3Server, startVersitygw } from '../support/s3-servers.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { s3Storage } from '../support/storages.ts';
import { pull, startFaultMirror } from '../support/upstream/fault-mirror.ts';
import { bend, cutAfter, wrongBytes } from '../support/upstream/faults.ts';
import { type Fault, ScriptedUpstream } from '../support/upstream/scripted-upstream.ts';

const MiB = 1024 * 1024;

describeWith(['versitygw'], 'a mirror that stores in a bucket', () => {
  const held = new AsyncDisposableStack();
  let scratch: Scratch;
  let s3: S3Server;
  let upstream: ScriptedUpstream;
  let one: RegistryServer;
  /** Has no room to spool. */
  let two: RegistryServer;
  beforeAll(async () => {
    scratch = held.use(makeScratch());
    s3 = held.use(await startVersitygw(scratch.path));
    upstream = held.use(await ScriptedUpstream.start());
    const replica = (maxsize: string) =>
      startFaultMirror({
        directory: scratch.path,
        upstreams: [{ name: 'far.example', urls: [upstream.url] }],
        config: { storage: { ...s3Storage(s3), redirect: { disable: true } } },
        mirror: { spool: { directory: scratch.path, maxsize } },
      });
    one = held.use(await replica('1GiB'));
    two = held.use(await replica('1MiB'));
  });
  afterAll(() => held.disposeAsync());
  afterEach(() => upstream.heal());

  function fresh(size: number): { content: Buffer; digest: Digest } {
    const content = randomBytes(size);
    return { content, digest: upstream.addBlob(content) };
  }

  const path = (digest: Digest) => `/v2/far.example/team/app/blobs/${digest}`;

  /** What lies in the bucket under a digest. */
  async function stored(digest: Digest): Promise<string[]> {
    const names = await readdir(join(s3.folder, s3.bucket), { recursive: true });
    return names.filter((name) => name.includes(`/${digest.slice('sha256:'.length)}/data`));
  }

  test('passes the first byte on before the upstream has sent the last, and ranges as they are here', async () => {
    const { content, digest } = fresh(24 * MiB);
    let letGo = (): void => {};
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    upstream.on(/GET .*blobs/, sendHalfUntil(gate));
    const ranges: ReturnType<typeof pull>[] = [];
    const got = await pull(one.url, path(digest), {
      onData: () => {
        if (ranges.length > 0) return;
        const range = (first: number, last: number) =>
          pull(one.url, path(digest), { headers: { range: `bytes=${first}-${last}` } });
        ranges.push(range(10, 99), range(content.length - 90, content.length - 1));
        // Bytes that are here come at once, whoever waits for others.
        ranges[0]?.finally(letGo);
      },
    });
    expect(got).toMatchObject({ status: 200, ended: true, bytes: content.length, digest });
    const [first, last] = await Promise.all(ranges);
    expect(first).toMatchObject({ status: 206, text: content.toString('latin1', 10, 100) });
    expect(last).toMatchObject({ status: 206, text: content.toString('latin1', content.length - 90) });
    await expect.poll(() => stored(digest)).toHaveLength(1);
  });

  test('gives one cold layer right through two replicas at once, each of which fetches it once', async () => {
    const { digest, content } = fresh(40 * MiB);
    const before = upstream.blobBytes;
    const got = await Promise.all([one, two, one, two].map(({ url }) => pull(url, path(digest))));
    for (const each of got) {
      expect(each).toMatchObject({ status: 200, ended: true, bytes: content.length, digest });
    }
    await expect.poll(() => stored(digest), { timeout: 20_000 }).toHaveLength(1);
    expect(upstream.blobBytes - before).toBeLessThanOrEqual(2.1 * content.length);
    await upstream.stop();
    for (const { url } of [one, two]) expect((await pull(url, path(digest))).digest).toBe(digest);
    await upstream.listen();
  });

  test.each([
    ['with a spool', () => one],
    ['without a spool', () => two],
  ])('resumes what is cut and keeps nothing that is wrong, %s', async (_, server) => {
    const cut = fresh(12 * MiB);
    upstream.on(/GET .*blobs/, cutAfter(3 * MiB), 2);
    expect((await pull(server().url, path(cut.digest))).digest).toBe(cut.digest);
    const wrong = fresh(12 * MiB);
    upstream.on(/GET .*blobs/, wrongBytes);
    expect((await pull(server().url, path(wrong.digest))).ended).toBe(false);
    expect(await stored(wrong.digest)).toEqual([]);
    upstream.heal();
    expect((await pull(server().url, path(wrong.digest))).digest).toBe(wrong.digest);
  });

  test('is killed in the middle of fills, and serves nothing half of them afterwards', async () => {
    const blobs = [6, 12, 24].map((size) => fresh(size * MiB));
    upstream.on(/GET .*blobs/, sendHalfUntil(new Promise(() => {})));
    const begun = new Set<Digest>();
    const broken = blobs.map(({ digest }) =>
      pull(one.url, path(digest), { onData: () => begun.add(digest) }),
    );
    await expect.poll(() => begun.size, { timeout: 20_000 }).toBe(blobs.length);
    await one.kill();
    for (const each of await Promise.all(broken)) expect(each.ended).toBe(false);
    for (const { digest } of blobs) expect(await stored(digest)).toEqual([]);
    upstream.heal();
    await one.start();
    for (const { digest } of blobs)
      expect(await pull(one.url, path(digest))).toMatchObject({ digest, ended: true });
  });
});

/** The first half of whatever is asked for at once, the other when the promise resolves. */
function sendHalfUntil(gate: Promise<void>): Fault {
  return bend((body, res) => {
    const half = body.length >> 1;
    res.write(body.subarray(0, half));
    void gate.then(() => res.end(body.subarray(half)));
  });
}
