import { describe, expect, it } from 'vitest';
import type { Fill } from '../../../src/mirror/fill/fill.ts';
import { StorageFullError, StorageUnavailableError } from '../../../src/storage/storage-errors.ts';
import { failingDriver, newOutage, type Outage } from '../../support/failing-driver.ts';
import { bend, cutAfter, send, withoutSize, wrongBytes } from '../../support/upstream/faults.ts';
import {
  bytes,
  type FillBenchOptions,
  fillBenches,
  readFill,
  stored,
  storedContent,
} from '../../support/upstream/fill-bench.ts';

const { upstream, bench } = fillBenches();
const MiB = 1024 * 1024;

function fullAt(call: number): Outage {
  return { ...newOutage(), at: call, lasting: true, error: () => new StorageFullError('no room') };
}

function full(outage: Outage): Partial<FillBenchOptions> {
  return { spool: 0, through: (driver) => failingDriver(driver, outage) };
}

describe.each([
  ['from the beginning', 1],
  ['for the first bytes', 2],
  ['for the bytes in the middle', 8],
] as const)('a blob for which there is no room %s', (_, call) => {
  it('is given to every reader all the same, and kept by a later fill', async () => {
    const up = await upstream();
    const content = bytes(3 * MiB);
    const digest = up.addBlob(content);
    const outage = fullAt(call);
    const it = await bench([up], full(outage));
    const fill = await it.fill(digest);
    const got = await Promise.all([readFill(fill), readFill(fill)]);
    for (const one of got) expect(one.equals(content)).toBe(true);
    await expect(fill.kept).rejects.toThrow(StorageFullError);
    expect(it.warnings).toMatchObject([
      { repository: stored, digest, reason: expect.stringContaining('no room') },
    ]);
    expect((await readFill(fill)).equals(content)).toBe(true);
    expect(it.running(digest)).toBeUndefined();
    outage.at = 0;
    const later = await it.fill(digest);
    expect((await readFill(later)).equals(content)).toBe(true);
    await later.kept;
    expect((await storedContent(it, digest)).equals(content)).toBe(true);
  });

  it.each([
    ['the middle', MiB, 2 * MiB - 1],
    ['the end', 2 * MiB, 3 * MiB - 1],
    ['the beginning', 0, 99],
  ])('is given by range, %s of it', async (_, start, end) => {
    const up = await upstream();
    const content = bytes(3 * MiB);
    const it = await bench([up], full(fullAt(call)));
    const fill = await it.fill(up.addBlob(content));
    const kept = isNotKept(fill);
    const got = await readFill(fill, start, end);
    expect(got.equals(content.subarray(start, end + 1))).toBe(true);
    await kept;
  });

  it('is resumed where it is cut', async () => {
    const up = await upstream();
    const content = bytes(3 * MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, cutAfter(2 * MiB), 3);
    const it = await bench([up], full(fullAt(call)));
    const fill = await it.fill(digest);
    const kept = isNotKept(fill);
    expect((await readFill(fill)).equals(content)).toBe(true);
    await kept;
    expect(up.requests.at(-1)?.headers.range).toBe(`bytes=${2 * MiB}-${3 * MiB - 1}`);
  });

  it('never ends with a wrong digest', async () => {
    const up = await upstream();
    const content = bytes(3 * MiB);
    const digest = up.addBlob(content);
    up.on(/blobs/, wrongBytes);
    const outage = fullAt(call);
    const it = await bench([up], full(outage));
    const fill = await it.fill(digest);
    // It ends with whichever comes first.
    const kept = expect(fill.kept).rejects.toThrow(/no room|other content/);
    const { got, error } = await readUntilError(fill.read({ start: 0, end: 3 * MiB - 1 }, never()));
    expect(error).toMatchObject({ message: expect.stringMatching(/other content/) });
    expect(got).toBe(content.length - 1);
    await kept;
    outage.at = 0;
    expect(await it.storage.layers.find(stored, digest)).toBeUndefined();
  });

  it('is given though nobody tells its size, and never ended wrong or short', async () => {
    const up = await upstream();
    const content = bytes(3 * MiB);
    const digest = up.addBlob(content);
    const it = await bench([up], full(fullAt(call)));
    up.on(/blobs/, withoutSize(content));
    const fill = await it.fill(digest);
    const kept = isNotKept(fill);
    expect(fill.size).toBeUndefined();
    expect((await readFill(fill)).equals(content)).toBe(true);
    await kept;
    up.on(/blobs/, withoutSize(content.subarray(0, -1)));
    await expect(readFill(fill)).rejects.toThrow(/other content/);
  });
});

it('a blob is given to its readers while the storage cannot be written', async () => {
  const up = await upstream();
  const content = bytes(3 * MiB);
  const digest = up.addBlob(content);
  const error = () => new StorageUnavailableError('the storage directory failed: EROFS');
  const it = await bench([up], full({ ...newOutage(), at: 1, lasting: true, error }));
  const fill = await it.fill(digest);
  const kept = expect(fill.kept).rejects.toThrow(StorageUnavailableError);
  expect((await readFill(fill)).equals(content)).toBe(true);
  await kept;
  expect(it.warnings).toMatchObject([{ digest, reason: expect.stringContaining('EROFS') }]);
});

describe('a blob for which there is no room', () => {
  it.each([
    ['a directory', undefined],
    ['a spool', MiB],
    ['neither', 0],
  ])('is given whichever call of the storage fails, with %s', async (_, spool) => {
    const up = await upstream();
    const content = bytes(300_000);
    const digest = up.addBlob(content);
    let kept = false;
    let call = 1;
    for (; !kept && call < 50; call++) {
      const outage = fullAt(call);
      const it = await bench([up], {
        ...(spool === undefined ? {} : { spool }),
        through: (driver) => failingDriver(driver, outage),
      });
      const fill = await it.fill(digest);
      expect((await readFill(fill)).equals(content)).toBe(true);
      kept = await fill.kept.then(
        () => true,
        () => false,
      );
      if (!kept) expect((await readFill(fill)).equals(content)).toBe(true);
    }
    expect(kept).toBe(true);
    // That many calls a fill makes at the least, each of which has failed.
    expect(call).toBeGreaterThan(8);
  });

  it('is not ended by right bytes behind wrong ones that a reader has got already', async () => {
    const up = await upstream();
    const content = bytes(3 * MiB);
    const digest = up.addBlob(content);
    let goOn = (): void => {};
    const more = new Promise<void>((resolve) => (goOn = resolve));
    const wrong = Buffer.from(content);
    wrong[10] = (wrong[10] ?? 0) ^ 1;
    const slow = bend((_, res) => {
      res.write(wrong.subarray(0, MiB));
      more.then(() => res.end(wrong.subarray(MiB)));
    });
    up.on(/blobs/, slow, 1);
    const outage = fullAt(0);
    const it = await bench([up], full(outage));
    const fill = await it.fill(digest);
    const kept = isNotKept(fill);
    let got = 0;
    const reading = (async () => {
      for await (const chunk of fill.read({ start: 0, end: 3 * MiB - 1 }, never())) {
        got += chunk.length;
        if (got < MiB || outage.at > 0) continue;
        outage.at = 1;
        goOn();
      }
    })();
    await expect(reading).rejects.toThrow(/another beginning/);
    expect(got).toBeLessThan(content.length);
    await kept;
  });

  it('is not ended where it is of another size than was told', async () => {
    const up = await upstream();
    const content = bytes(MiB);
    const digest = up.addBlob(content);
    const it = await bench([up], full(fullAt(1)));
    const fill = await it.fill(digest);
    const kept = isNotKept(fill);
    up.on(/blobs/, send(200, content.subarray(0, 1000), { 'content-length': '1000' }));
    await expect(readFill(fill, 0, MiB - 1)).rejects.toThrow(/1000 bytes/);
    await kept;
  });

  it('holds no more connections than its share, and serves in turn who waits', async () => {
    const up = await upstream();
    const content = bytes(4 * MiB);
    const digest = up.addBlob(content);
    const it = await bench([up], full(fullAt(1)));
    const fill = await it.fill(digest);
    await isNotKept(fill);
    const asked = up.count(/GET .*blobs/);
    const slow = Array.from({ length: 12 }, () =>
      fill.read({ start: 0, end: 4 * MiB - 1 }, never())[Symbol.asyncIterator](),
    );
    for (const reader of slow) await reader.next();
    const gone = new AbortController();
    const left = readUntilError(fill.read({ start: 0, end: 9 }, gone.signal));
    const waits = readFill(fill);
    gone.abort(new Error('the client has gone'));
    expect((await left).error).toMatchObject({ message: 'the client has gone' });
    // What was asked for has come by the time that a later request is answered.
    await fetch(`${up.url}/v2/`);
    expect(up.count(/GET .*blobs/)).toBe(asked + 12);
    await slow[0]?.return?.();
    expect((await waits).equals(content)).toBe(true);
    for (const reader of slow) await reader.return?.();
  });
});

/** There is no room for it: the test is of what is passed on. */
const isNotKept = ({ kept }: Fill): Promise<void> => expect(kept).rejects.toThrow(StorageFullError);

const never = (): AbortSignal => new AbortController().signal;

async function readUntilError(chunks: AsyncIterable<Uint8Array>): Promise<{ got: number; error: unknown }> {
  let got = 0;
  try {
    for await (const chunk of chunks) got += chunk.length;
  } catch (error) {
    return { got, error };
  }
  return { got, error: undefined };
}
