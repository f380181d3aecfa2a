import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Digest } from '../../src/oci/digest.ts';
import { describeWith } from '../support/describe-with.ts';
import type { RegistryServer } from '../support/registry-server.ts';
import { makeScratch } from '../support/scratch.ts';
import { type Proxy as Line, startToxiproxy, type Toxic, type Toxiproxy } from '../support/toxiproxy.ts';
import { pull, startFaultMirror, storageCheck } from '../support/upstream/fault-mirror.ts';
import { ScriptedUpstream } from '../support/upstream/scripted-upstream.ts';

const MiB = 1024 * 1024;

describeWith(['toxiproxy'], 'a mirror behind a bad line', () => {
  const held = new AsyncDisposableStack();
  let upstream: ScriptedUpstream;
  let toxiproxy: Toxiproxy;
  let line: Line;
  let mirror: RegistryServer;
  let check: ReturnType<typeof storageCheck>;
  beforeAll(async () => {
    const scratch = held.use(makeScratch());
    upstream = held.use(await ScriptedUpstream.start());
    toxiproxy = held.use(await startToxiproxy());
    line = await toxiproxy.proxy('line', upstream.host);
    const upstreams = [{ name: 'far.example', urls: [`http://${line.host}`], tagttl: '0s' }];
    mirror = held.use(await startFaultMirror({ directory: scratch.path, upstreams }));
    check = storageCheck(mirror.root);
  });
  afterAll(() => held.disposeAsync());
  afterEach(() => toxiproxy.reset());
  // What the test before did to the line is over when the upstream is asked again.
  beforeEach(async () => {
    const digest = fresh(1);
    await expect.poll(async () => (await blob(digest)).digest, { timeout: 20_000 }).toBe(digest);
  });

  function fresh(size: number): Digest {
    return upstream.addBlob(randomBytes(size));
  }

  const blob = (digest: Digest, onData?: (bytes: number) => unknown) =>
    pull(mirror.url, `/v2/far.example/team/app/blobs/${digest}`, onData === undefined ? {} : { onData });

  const BAD: readonly [string, number, Toxic][] = [
    [
      'cuts every connection after 3 MiB',
      24 * MiB,
      { name: 'cut', type: 'limit_data', attributes: { bytes: 3 * MiB } },
    ],
    [
      'sends in crumbs',
      2 * MiB,
      { name: 'crumbs', type: 'slicer', attributes: { average_size: 400, delay: 0 } },
    ],
    ['answers late', 4 * MiB, { name: 'late', type: 'latency', attributes: { latency: 300, jitter: 100 } }],
  ];

  test.each(BAD)('gives the whole of a blob by a line that %s', async (_, size, toxic) => {
    const digest = fresh(size);
    await line.add(toxic);
    expect(await blob(digest)).toMatchObject({ status: 200, ended: true, bytes: size, digest });
    await check();
  });

  test.each([
    ['stands still', () => line.add(NOTHING_COMES), () => line.remove(NOTHING_COMES.name)],
    ['is cut off', () => line.disable(), () => line.enable()],
    ['is reset', () => line.add(RESET), () => line.remove(RESET.name)],
  ])('goes on where it was when the line %s for a while', async (_, spoil, mend) => {
    const digest = fresh(8 * MiB);
    await line.add({ name: 'width', type: 'bandwidth', attributes: { rate: 4_000 } });
    const before = upstream.requests.length;
    let done: Promise<void> | undefined;
    const got = await blob(digest, (bytes) => {
      if (bytes > MiB) done ??= spoil().then(() => delay(1_500).then(mend));
    });
    await done;
    expect(got).toMatchObject({ status: 200, ended: true, bytes: 8 * MiB, digest });
    const ranges = upstream.requests.slice(before).map(({ headers }) => headers.range ?? '');
    expect(ranges.some((range) => /^bytes=[1-9]/.test(range))).toBe(true);
    await check();
  });

  test('gives the first byte of a slow line as soon as it is there', async () => {
    const digest = fresh(2 * MiB);
    await line.add({ name: 'width', type: 'bandwidth', attributes: { rate: 1_000 } });
    const begun = performance.now();
    let first: number | undefined;
    const got = await blob(digest, () => {
      first ??= performance.now() - begun;
    });
    const whole = performance.now() - begun;
    expect(got).toMatchObject({ ended: true, digest });
    expect(first).toBeLessThan(whole / 4);
  });

  test('breaks the client off when nothing comes any more, and keeps nothing', async () => {
    const digest = fresh(4 * MiB);
    await line.add({ name: 'width', type: 'bandwidth', attributes: { rate: 4_000 } });
    let spoilt: Promise<void> | undefined;
    const got = await blob(digest, (bytes) => {
      if (bytes > MiB) spoilt ??= line.add(NOTHING_COMES);
    });
    await spoilt;
    expect(got.ended).toBe(false);
    await check([digest]);
    await toxiproxy.reset();
    await expect
      .poll(async () => (await blob(digest)).digest, { timeout: 20_000, interval: 250 })
      .toBe(digest);
  });

  test('serves a stored tag with a warning while the line takes too long, and says 504 for what is not here', async () => {
    const digest = upstream.addImage('team/app', 'v1', [Buffer.from('layer')]);
    upstream.addImage('team/app', 'v2', [Buffer.from('other')]);
    const manifest = (tag: string) => pull(mirror.url, `/v2/far.example/team/app/manifests/${tag}`);
    await expect.poll(async () => (await manifest('v1')).status, { timeout: 20_000 }).toBe(200);
    await line.add(TOO_LATE);
    const stored = await manifest('v1');
    expect(stored).toMatchObject({ status: 200, digest });
    expect(stored.headers.warning).toMatch(/^299 /);
    expect((await manifest('v2')).status).toBe(504);
    await line.remove(TOO_LATE.name);
    await expect.poll(async () => (await manifest('v2')).status, { timeout: 20_000 }).toBe(200);
  });
});

/** The connection stays, and nothing comes by it. */
const NOTHING_COMES: Toxic = { name: 'nothing', type: 'timeout', attributes: { timeout: 0 } };

/** Connections are broken, and new ones too. */
const RESET: Toxic = { name: 'reset', type: 'reset_peer', attributes: { timeout: 0 } };

const TOO_LATE: Toxic = { name: 'late', type: 'latency', attributes: { latency: 5_000 } };
