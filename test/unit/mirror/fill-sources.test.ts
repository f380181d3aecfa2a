import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Fill } from '../../../src/mirror/fill/fill.ts';
import { isRandomAccess } from '../../../src/storage/driver.ts';
import { KeyNotFoundError, StorageFullError } from '../../../src/storage/storage-errors.ts';
import { answer, bend, cutAfter, redirect, send, stallAfter } from '../../support/upstream/faults.ts';
import { bytes, fillBenches, readFill, stored, storedContent } from '../../support/upstream/fill-bench.ts';
import { type Fault, unknownDigest } from '../../support/upstream/scripted-upstream.ts';

const { upstream, bench } = fillBenches();
const MiB = 1024 * 1024;

describe('a fill', () => {
  it('says what the upstream says when it cannot begin, to all who ask', async () => {
    const up = await upstream();
    const it = await bench([up]);
    const digest = unknownDigest('x');
    const asked = await Promise.allSettled([it.fill(digest), it.fill(digest)]);
    for (const one of asked) expect(one).toMatchObject({ reason: { name: 'UpstreamNotFound' } });
    expect(up.count(/blobs/)).toBe(1);
    up.on(/blobs/, answer(429, { 'retry-after': '9' }));
    await expect(it.fill(digest)).rejects.toMatchObject({ retryAfter: 9 });
  });

  it('goes on at the next URL when one stalls, and leaves that one alone', async () => {
    const [first, second] = [await upstream(), await upstream()];
    const content = bytes(2 * MiB);
    const digest = first.addBlob(content);
    second.addBlob(content);
    first.on(/blobs/, stallAfter(MiB));
    const it = await bench([first, second], { timeouts: { stall: 200 } });
    const fill = await it.fill(digest);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
    expect(first.count(/blobs/)).toBe(1);
    expect(second.count(/blobs/)).toBe(1);
  });

  it('resumes from a server that ignores ranges', async () => {
    const up = await upstream();
    const content = bytes(2 * MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, ({ req }, next) => {
      delete req.headers.range;
      next();
    });
    up.on(/blobs/, cutAfter(MiB), 1);
    // Not by parts, each of which would bring all that comes before it again.
    const limits = { smallestPiece: MiB / 8, largestPiece: MiB / 4 };
    const fill = await (await bench([up], { limits })).fill(digest);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
    expect(up.count(/blobs/)).toBe(2);
  });

  it('takes from a server that sends less of a range than it is asked for, and says so', async () => {
    const up = await upstream();
    const content = bytes(2 * MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, ({ req }, next) => {
      const start = Number(/^bytes=(\d+)-/.exec(req.headers.range ?? '')?.[1]);
      req.headers.range = `bytes=${start}-${start + MiB / 8 - 1}`;
      next();
    });
    // No pause between them: nothing is wrong.
    const fill = await (await bench([up], { limits: { pause: 60_000 } })).fill(digest);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
  });

  it('leaves a URL alone that says there is nothing where there should be something', async () => {
    const [broken, up] = [await upstream(), await upstream()];
    const content = bytes(1000);
    const digest = up.addBlob(content);
    broken.on(/blobs/, send(200, '', { 'content-length': '0' }));
    const it = await bench([broken, up]);
    await expect(it.fill(digest)).rejects.toThrow(/other content/);
    const asked = broken.requests.length;
    expect((await readFill(await it.fill(digest))).equals(content)).toBe(true);
    expect(broken.requests.length).toBe(asked);
  });

  it('takes a blob from who has it in the size that its manifest tells', async () => {
    const [other, up, same] = [await upstream(), await upstream(), await upstream()];
    const content = bytes(1000);
    const digest = up.addBlob(content);
    other.blobs.set(digest, bytes(1001));
    same.blobs.set(digest, bytes(1001));
    const right = await (await bench([other, up])).fill(digest, content.length);
    expect((await readFill(right)).equals(content)).toBe(true);
    // Where nobody has, the manifest may be wrong.
    expect((await (await bench([up, up])).fill(digest, 999)).size).toBe(1000);
    expect((await (await bench([other, same])).fill(digest, content.length)).size).toBe(1001);
  });

  it('finds out which of several URLs tells a wrong size', async () => {
    const [liar, up] = [await upstream(), await upstream()];
    const content = bytes(2 * MiB);
    const digest = up.addBlob(content);
    liar.addBlob(content);
    liar.on(/blobs/, ({ req, res }, next) => {
      const writeHead = res.writeHead.bind(res);
      const range = { 'content-range': `bytes 0-${MiB - 1}/${3 * MiB}` };
      const lying = (status: number, headers: Record<string, string>) =>
        writeHead(status, /^bytes=0-/.test(req.headers.range ?? '') ? { ...headers, ...range } : headers);
      Object.assign(res, { writeHead: lying });
      next();
    });
    const it = await bench([liar, up], { limits: { firstPiece: MiB, tries: 2 } });
    const outcomes: string[] = [];
    for (let round = 0; round < 4; round++) {
      const fill: Fill = await it.fill(digest);
      outcomes.push(await fill.kept.then(() => 'right').catch(() => 'wrong'));
    }
    expect(outcomes).toEqual(['wrong', 'wrong', 'right', 'right']);
  });

  it('takes an empty blob of unknown size from who answers 416 for its first part', async () => {
    const [gone, up] = [await upstream(), await upstream()];
    const digest = up.addBlob(Buffer.alloc(0));
    gone.on(/blobs/, answer(503));
    const fill = await (await bench([gone, up])).fill(digest);
    expect((await readFill(fill)).length).toBe(0);
  });

  it('is ended by the end of the server, without a word', async () => {
    const up = await upstream();
    const digest = up.addBlob(bytes(MiB));
    up.on(/blobs/, stallAfter(1000));
    const it = await bench([up]);
    const fill = await it.fill(digest);
    const kept = expect(fill.kept).rejects.toThrow('the server ends');
    await it.fills.close();
    await kept;
    expect(await it.litter()).toEqual([]);
    expect(it.warnings).toEqual([]);
  });

  it('is given up when nothing new comes', async () => {
    const up = await upstream();
    const content = bytes(MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, answer(503));
    up.on(/blobs/, cutAfter(MiB / 2), 1);
    const it = await bench([up], { limits: { tries: 3, pause: 1 } });
    const fill = await it.fill(digest);
    const kept = expect(fill.kept).rejects.toMatchObject({ name: 'UpstreamFailed' });
    await expect(readFill(fill)).rejects.toMatchObject({ name: 'UpstreamFailed' });
    await kept;
    expect(up.count(/blobs/)).toBe(4);
    expect(await it.litter()).toEqual([]);
  });

  it('is given up when the blob is not there any more', async () => {
    const up = await upstream();
    const digest = up.addBlob(bytes(MiB));
    up.on(/blobs/, answer(404));
    up.on(/blobs/, cutAfter(1000), 1);
    const fill = await (await bench([up])).fill(digest);
    fill.kept.catch(() => {});
    await expect(readFill(fill)).rejects.toMatchObject({ name: 'UpstreamNotFound' });
    expect(up.count(/blobs/)).toBe(2);
  });

  it.each([
    ['shorter than the digest', (content: Buffer) => content.subarray(1)],
    ['longer than the digest', (content: Buffer) => Buffer.concat([content, content])],
  ])('is wrong when what comes is %s', async (_, change) => {
    const up = await upstream();
    const content = bytes(MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, (exchange, next) => {
      const changed = change(content);
      send(200, changed, { 'content-length': String(changed.length) })(exchange, next);
    });
    const it = await bench([up]);
    const fill = await it.fill(digest);
    const kept = expect(fill.kept).rejects.toThrow(/other content/);
    await expect(readFill(fill)).rejects.toThrow(/other content/);
    await kept;
    expect(await it.storage.layers.find(stored, digest)).toBeUndefined();
  });

  it('is given up when less comes than the upstream said', async () => {
    const up = await upstream();
    const content = bytes(MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, cutAfter(0));
    up.on(/blobs/, cutAfter(1000), 1);
    const fill = await (await bench([up], { limits: { tries: 2, pause: 1 } })).fill(digest);
    const kept = expect(fill.kept).rejects.toMatchObject({ name: 'UpstreamUnreachable' });
    await expect(readFill(fill)).rejects.toMatchObject({ name: 'UpstreamUnreachable' });
    await kept;
    expect(up.count(/blobs/)).toBe(3);
  });

  it('asks the URL again when what it redirected to was cut', async () => {
    const [up, cdn] = [await upstream(), await upstream()];
    const content = bytes(MiB);
    const digest = cdn.addBlob(content);
    up.on(
      /blobs/,
      redirect(({ url }) => `${cdn.url}${url.pathname}`),
    );
    cdn.on(/blobs/, cutAfter(1000), 1);
    const fill = await (await bench([up])).fill(digest);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
    expect(up.count(/blobs/)).toBe(2);
    expect(cdn.count(/blobs/)).toBe(2);
  });
});

describe('a fill into a storage that fails', () => {
  it('is not given up for the time that the storage takes', async () => {
    const up = await upstream();
    const content = bytes(6 * MiB);
    const digest = up.addBlob(content);
    const it = await bench([up], { limits: { giveUpAfter: 60, crawlAfter: 10, connections: 1 } });
    const { uploads } = it.driver;
    const create = uploads.create.bind(uploads);
    const slow = async (...asked: Parameters<typeof create>) => {
      const writer = await create(...asked);
      if (!isRandomAccess(writer)) throw new Error('a directory has such uploads');
      const writeAt = writer.writeAt.bind(writer);
      const late = async (...given: Parameters<typeof writeAt>) => {
        await delay(100);
        await writeAt(...given);
      };
      return Object.assign(writer, { writeAt: late });
    };
    Object.assign(uploads, { create: slow });
    const fill = await it.fill(digest);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
  });

  it('leaves nothing open where what it writes cannot be read', async () => {
    const up = await upstream();
    const digest = up.addBlob(bytes(1000));
    const it = await bench([up]);
    const { uploads } = it.driver;
    const create = uploads.create.bind(uploads);
    const openView = () => Promise.reject(new Error('too many open files'));
    const broken = async (...asked: Parameters<typeof create>) =>
      Object.assign(await create(...asked), { openView });
    Object.assign(uploads, { create: broken });
    await expect(it.fill(digest)).rejects.toThrow('too many');
    expect(await it.litter()).toEqual([]);
    Object.assign(uploads, { create });
    await (await it.fill(digest)).kept;
  });

  it('is not kept when its bytes could not be written', async () => {
    const up = await upstream();
    const digest = up.addBlob(bytes(300_000));
    const it = await bench([up]);
    const { uploads } = it.driver;
    const create = uploads.create.bind(uploads);
    const full = async (): Promise<never> => {
      throw new StorageFullError('no space left');
    };
    Object.assign(uploads, {
      create: async (...asked: Parameters<typeof create>) =>
        Object.assign(await create(...asked), { writeAt: full }),
    });
    const fill = await it.fill(digest);
    await expect(fill.kept).rejects.toBeInstanceOf(StorageFullError);
    expect(await it.storage.layers.find(stored, digest)).toBeUndefined();
    await expect(it.storage.contents.sizeInStorage(digest)).rejects.toBeInstanceOf(KeyNotFoundError);
  });
});

describe('a large fill over a slow line', () => {
  const limits = {
    parallelFrom: 2 * MiB,
    firstPiece: MiB,
    smallestPiece: MiB / 2,
    largestPiece: MiB,
    judgeAfter: 5,
    worthFrom: 0,
    shareFrom: 0,
  };

  it.each([
    ['knowing its size', true],
    ['not knowing its size', false],
  ])('is fetched in ranges by several connections, %s', async (_, known) => {
    const up = await upstream();
    const content = bytes(6 * MiB);
    const digest = up.addBlob(content);
    const line = slowLine(MiB / 4, 10);
    up.on(/blobs/, line.send);
    const it = await bench([up], { limits });
    const fill = await it.fill(digest, known ? content.length : undefined);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
    expect(line.most).toBeGreaterThan(2);
    expect(up.requests.slice(1).every(({ headers }) => /^bytes=[1-9]/.test(headers.range ?? ''))).toBe(true);
    expect((await storedContent(it, digest)).equals(content)).toBe(true);
  });

  it('takes from all URLs at once, and less from a slow one', async () => {
    const [fast, slow] = [await upstream(), await upstream()];
    const content = bytes(6 * MiB);
    const digest = fast.addBlob(content);
    slow.addBlob(content);
    const lines = [slowLine(MiB / 8, 5), slowLine(MiB / 32, 20)];
    for (const [n, up] of [fast, slow].entries()) up.on(/blobs/, (...asked) => lines[n]?.send(...asked));
    const it = await bench([fast, slow], { limits: { ...limits, connections: 4 } });
    const fill = await it.fill(digest, content.length);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await fill.kept;
    expect(lines[0]?.most).toBeGreaterThan(1);
    expect(slow.blobBytes).toBeGreaterThan(0);
    expect(fast.blobBytes).toBeGreaterThan(2 * slow.blobBytes);
  });

  it('finds out which of several URLs lies', async () => {
    const [good, bad] = [await upstream(), await upstream()];
    const content = bytes(4 * MiB);
    const digest = good.addBlob(content);
    bad.blobs.set(digest, bytes(content.length));
    for (const up of [good, bad]) up.on(/blobs/, slowLine(MiB / 8, 5).send);
    const it = await bench([bad, good], { limits });
    const outcomes: string[] = [];
    for (let round = 0; round < 4; round++) {
      const fill: Fill = await it.fill(digest, content.length);
      outcomes.push(await fill.kept.then(() => 'right').catch(() => 'wrong'));
      if (outcomes.at(-1) === 'right') break;
    }
    // At first of both together, then of the one that lies alone.
    expect(outcomes).toEqual(['wrong', 'wrong', 'right']);
    const asked = bad.requests.length;
    await (await it.fill(digest, content.length)).kept;
    expect(bad.requests.length).toBe(asked);
  });
});

/** Sends a body in parts of so many bytes, with so many milliseconds between them. */
function slowLine(size: number, pause: number): { readonly send: Fault; readonly most: number } {
  let sending = 0;
  let most = 0;
  const send = bend((body, res) => {
    most = Math.max(most, ++sending);
    res.on('close', () => sending--);
    let at = 0;
    const more = (): void => {
      if (res.destroyed) return;
      res.write(body.subarray(at, at + size));
      at += size;
      if (at < body.length) setTimeout(more, pause);
      else res.end();
    };
    more();
  });
  return {
    send,
    /** How many bodies were under way at once, at most. */
    get most() {
      return most;
    },
  };
}
