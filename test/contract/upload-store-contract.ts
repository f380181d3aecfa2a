import { afterEach, beforeEach, expect, it, type TestContext } from 'vitest';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { KeyNotFoundError, UploadBusyError, UploadLostError } from '../../src/storage/storage-errors.ts';
import {
  collect,
  listNames,
  pattern,
  readAll,
  type StorageHarness,
  type StorageProcess,
} from './storage-harness.ts';

const ROOT = 'docker/registry/v2';
const UPLOADS = `${ROOT}/repositories/library/app/_uploads`;
const FOLDER = `${UPLOADS}/5b1c3c0e-6d0a-4a43-9c8f-0f3b5f0c2d11`;
const TARGET = `${ROOT}/blobs/sha256/aa/aabb/data`;
const text = (value: string) => Buffer.from(value);

/** What every UploadStore promises, and every UploadWriter. */
export function describeUploadContract(create: () => Promise<StorageHarness>): void {
  let harness: StorageHarness;
  let driver: StorageDriver;

  beforeEach(async () => {
    harness = await create();
    driver = (await harness.start()).driver;
  });
  afterEach(() => harness.close());

  it('puts what was appended at its key and ends the upload', async () => {
    const writer = await driver.uploads.create(FOLDER);
    expect(writer.size).toBe(0);
    await writer.append(text('hello '));
    await writer.append(text('world'));
    expect(writer.size).toBe(11);
    await writer.commit(TARGET);
    await writer.close();
    expect((await readAll(driver, TARGET)).toString()).toBe('hello world');
    await expect(driver.uploads.size(FOLDER)).rejects.toThrow(KeyNotFoundError);
    await expect(driver.uploads.open(FOLDER)).rejects.toThrow(KeyNotFoundError);
    expect(await listNames(driver, UPLOADS)).toEqual([]);
  });

  it.each([{ target: TARGET }, {}])(
    'shows nothing at the key before the commit (options %j)',
    async (options) => {
      const writer = await driver.uploads.create(FOLDER, options);
      await writer.append(pattern(100_000));
      await expect(driver.stat(TARGET)).rejects.toThrow(KeyNotFoundError);
      await expect(driver.read(TARGET)).rejects.toThrow(KeyNotFoundError);
      expect(await listNames(driver, `${ROOT}/blobs/sha256/aa/aabb`)).toEqual([]);
      await writer.commit(TARGET);
      expect((await driver.stat(TARGET)).size).toBe(100_000);
    },
  );

  it('commits an upload into which nothing came', async () => {
    const writer = await driver.uploads.create(FOLDER);
    await writer.commit(TARGET);
    expect((await driver.stat(TARGET)).size).toBe(0);
  });

  it.each([{ target: TARGET }, {}])(
    'keeps every byte of chunks of any size (options %j)',
    async (options) => {
      const content = pattern(13 * 1024 * 1024 + 5);
      const writer = await driver.uploads.create(FOLDER, options);
      const sizes = [1, 70_001, 1_048_576, 3, 2_500_000, 65_536];
      for (let start = 0, turn = 0; start < content.length; turn++) {
        const end = start + (sizes[turn % sizes.length] ?? 1);
        await writer.append(content.subarray(start, end));
        start = end;
      }
      expect(writer.size).toBe(content.length);
      await writer.commit(TARGET);
      expect((await readAll(driver, TARGET)).equals(content)).toBe(true);
    },
  );

  it('lets the caller reuse a chunk that was appended', async () => {
    const writer = await driver.uploads.create(FOLDER);
    const chunk = Buffer.alloc(100_000);
    for (const letter of ['a', 'b', 'c']) {
      chunk.fill(letter);
      await writer.append(chunk);
    }
    chunk.fill('x');
    await writer.commit(TARGET);
    const expected = ['a', 'b', 'c'].map((letter) => letter.repeat(100_000)).join('');
    expect((await readAll(driver, TARGET)).toString()).toBe(expected);
  });

  it('commits onto a key that is there, and from several uploads at once', async () => {
    const writers = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const writer = await driver.uploads.create(`${FOLDER}${index}`);
        await writer.append(text('same'));
        return writer;
      }),
    );
    await Promise.all(writers.map((writer) => writer.commit(TARGET)));
    const late = await driver.uploads.create(FOLDER);
    await late.append(text('same'));
    await late.commit(TARGET);
    expect((await readAll(driver, TARGET)).toString()).toBe('same');
    expect(await listNames(driver, UPLOADS)).toEqual([]);
  });

  it('goes on in another process with what was appended', async () => {
    const first = await driver.uploads.create(FOLDER);
    await first.append(pattern(6_000_000));
    await first.close();
    await first.close();
    const other = (await harness.start()).driver;
    expect(await other.uploads.size(FOLDER)).toBe(6_000_000);
    const second = await other.uploads.open(FOLDER);
    expect(second.size).toBe(6_000_000);
    expect((await collect(second.content())).equals(pattern(6_000_000))).toBe(true);
    await second.append(text('end'));
    await second.close();
    const third = await driver.uploads.open(FOLDER);
    expect(third.size).toBe(6_000_003);
    await third.commit(TARGET);
    expect((await readAll(driver, TARGET)).equals(Buffer.concat([pattern(6_000_000), text('end')]))).toBe(
      true,
    );
  });

  it('lets a new upload be found before anything was appended', async () => {
    await (await driver.uploads.create(FOLDER)).close();
    const other = (await harness.start()).driver;
    expect(await other.uploads.size(FOLDER)).toBe(0);
    const writer = await other.uploads.open(FOLDER);
    await writer.append(text('x'));
    await writer.commit(TARGET);
    expect((await readAll(other, TARGET)).toString()).toBe('x');
  });

  it('gives its content again between appends', async () => {
    const writer = await driver.uploads.create(FOLDER);
    expect(await collect(writer.content())).toHaveLength(0);
    await writer.append(pattern(1_500_000));
    expect((await collect(writer.content())).equals(pattern(1_500_000))).toBe(true);
    await writer.append(text('x'));
    expect(await collect(writer.content())).toHaveLength(1_500_001);
    await writer.commit(TARGET);
    expect((await driver.stat(TARGET)).size).toBe(1_500_001);
  });

  it('keeps small objects beside an upload until it ends', async () => {
    const writer = await driver.uploads.create(FOLDER);
    await driver.write(`${FOLDER}/startedat`, text('2026-01-01T00:00:00Z'));
    await writer.append(text('x'));
    await writer.close();
    const other = (await harness.start()).driver;
    expect((await readAll(other, `${FOLDER}/startedat`)).toString()).toBe('2026-01-01T00:00:00Z');
    expect(await listNames(other, UPLOADS)).toHaveLength(1);
    const again = await other.uploads.open(FOLDER);
    expect(again.size).toBe(1);
    await again.commit(TARGET);
    await expect(other.stat(`${FOLDER}/startedat`)).rejects.toThrow(KeyNotFoundError);
  });

  it('throws an upload away', async () => {
    const writer = await driver.uploads.create(FOLDER, { target: TARGET });
    await writer.append(pattern(6_000_000));
    await driver.write(`${FOLDER}/startedat`, text('now'));
    await writer.drop();
    await writer.close();
    await expect(driver.uploads.size(FOLDER)).rejects.toThrow(KeyNotFoundError);
    await expect(driver.uploads.open(FOLDER)).rejects.toThrow(KeyNotFoundError);
    await expect(driver.stat(TARGET)).rejects.toThrow(KeyNotFoundError);
    expect(await listNames(driver, UPLOADS)).toEqual([]);
  });

  it('begins an upload in a folder where something lies already, and once only', async () => {
    const other = (await harness.start()).driver;
    await driver.write(`${FOLDER}/startedat`, text('now'), { durable: false });
    await expect(driver.uploads.open(FOLDER)).rejects.toThrow(KeyNotFoundError);
    const tries = await Promise.allSettled([
      driver.uploads.create(FOLDER),
      driver.uploads.create(FOLDER),
      other.uploads.create(FOLDER),
    ]);
    for (const each of tries) {
      if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(UploadBusyError);
    }
    const begun = tries.filter((each) => each.status === 'fulfilled').map((each) => each.value);
    expect(begun.length).toBeLessThanOrEqual(1);
    const writer = begun[0] ?? (await driver.uploads.create(FOLDER));
    await expect(driver.uploads.create(FOLDER)).rejects.toThrow(UploadBusyError);
    await expect(other.uploads.create(FOLDER)).rejects.toThrow(UploadBusyError);
    await writer.append(text('x'));
    await writer.close();
    await expect(other.uploads.create(FOLDER)).rejects.toThrow(UploadBusyError);
    await (await other.uploads.open(FOLDER)).commit(TARGET);
    expect((await readAll(driver, TARGET)).toString()).toBe('x');
    await expect(driver.stat(`${FOLDER}/startedat`)).rejects.toThrow(KeyNotFoundError);
  });

  it('begins an upload for every process to open, with what lies beside it', async (context) => {
    const { uploads } = driver;
    if (uploads.begin === undefined) return context.skip('it costs no less than creating one');
    const other = (await harness.start()).driver;
    await driver.write(`${FOLDER}/algorithm`, text('sha512'));
    await uploads.begin(FOLDER, { beside: ['algorithm'] });
    expect(await other.uploads.size(FOLDER)).toBe(0);
    await expect(uploads.create(FOLDER)).rejects.toThrow(UploadBusyError);
    const writer = await other.uploads.open(FOLDER);
    await expect(uploads.open(FOLDER)).rejects.toThrow(UploadBusyError);
    await writer.append(pattern(6_000_000));
    await writer.close();
    const last = await uploads.open(FOLDER);
    expect(last.size).toBe(6_000_000);
    await last.commit(TARGET);
    expect((await readAll(other, TARGET)).equals(pattern(6_000_000))).toBe(true);
    expect(await listNames(driver, UPLOADS)).toEqual([]);
    await expect(other.uploads.open(FOLDER)).rejects.toThrow(KeyNotFoundError);
  });

  it('knows no upload that was never begun', async () => {
    await expect(driver.uploads.size(FOLDER)).rejects.toThrow(KeyNotFoundError);
    await expect(driver.uploads.open(FOLDER)).rejects.toThrow(KeyNotFoundError);
  });

  it('ends an upload whose folder is deleted', async () => {
    const writer = await driver.uploads.create(FOLDER);
    await writer.append(text('x'));
    await writer.close();
    await driver.deleteFolder(FOLDER);
    await expect(driver.uploads.size(FOLDER)).rejects.toThrow(KeyNotFoundError);
    await expect(driver.uploads.open(FOLDER)).rejects.toThrow(KeyNotFoundError);
  });

  it('has one writer at a time, and tells the size meanwhile', async () => {
    const other = (await harness.start()).driver;
    const writer = await driver.uploads.create(FOLDER);
    await writer.append(text('abc'));
    await expect(driver.uploads.open(FOLDER)).rejects.toThrow(UploadBusyError);
    await expect(other.uploads.open(FOLDER)).rejects.toThrow(UploadBusyError);
    expect(await driver.uploads.size(FOLDER)).toBe(3);
    expect(await other.uploads.size(FOLDER)).toBeLessThanOrEqual(3);
    await writer.close();
    const next = await other.uploads.open(FOLDER);
    await expect(driver.uploads.open(FOLDER)).rejects.toThrow(UploadBusyError);
    await next.commit(TARGET);
    expect((await readAll(driver, TARGET)).toString()).toBe('abc');
  });

  it('gives an upload that nobody holds to one of several processes', async () => {
    await (await driver.uploads.create(FOLDER)).close();
    const drivers = await Promise.all(Array.from({ length: 4 }, async () => (await harness.start()).driver));
    const tries = await Promise.allSettled(drivers.map((each) => each.uploads.open(FOLDER)));
    const writers = tries.filter((each) => each.status === 'fulfilled');
    expect(writers).toHaveLength(1);
    for (const each of tries)
      if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(UploadBusyError);
    await writers[0]?.value.commit(TARGET);
  });

  describeTakeover(() => harness);
}

function describeTakeover(current: () => StorageHarness): void {
  const begin = async (context: TestContext) => {
    const process = await current().start();
    const freeze = freezeOf(process, context);
    const writer = await process.driver.uploads.create(FOLDER);
    return { process, writer, freeze };
  };

  it('takes over from a holder that died, with the bytes it had', async (context) => {
    const dead = await begin(context);
    await dead.writer.append(pattern(6_000_000));
    dead.freeze();
    const { driver } = await current().start();
    const writer = await driver.uploads.open(FOLDER);
    const kept = pattern(6_000_000).subarray(0, writer.size);
    expect((await collect(writer.content())).equals(kept)).toBe(true);
    await writer.append(text('x'));
    await writer.commit(TARGET);
    expect((await readAll(driver, TARGET)).equals(Buffer.concat([kept, text('x')]))).toBe(true);
    expect(await listNames(driver, UPLOADS)).toEqual([]);
  });

  it('lets a holder that slept reach nothing: append', async (context) => {
    const slept = await begin(context);
    await slept.writer.append(text('abc'));
    slept.freeze();
    const { driver } = await current().start();
    const writer = await driver.uploads.open(FOLDER);
    const size = writer.size;
    await writer.append(text('new'));
    // A driver may take bytes for a while in memory that go nowhere, but not end with a success.
    await expect(
      (async () => {
        await slept.writer.append(pattern(6_000_000));
        await slept.writer.commit(TARGET);
      })(),
    ).rejects.toThrow(UploadLostError);
    await slept.writer.close();
    await expect(driver.stat(TARGET)).rejects.toThrow(KeyNotFoundError);
    await writer.append(text('er'));
    await writer.commit(TARGET);
    expect((await readAll(driver, TARGET)).toString()).toBe(`${'abc'.slice(0, size)}newer`);
  });

  it('lets a holder that slept reach nothing: commit', async (context) => {
    const slept = await begin(context);
    await slept.writer.append(text('abc'));
    slept.freeze();
    const { driver } = await current().start();
    const writer = await driver.uploads.open(FOLDER);
    await expect(slept.writer.commit(TARGET)).rejects.toThrow(UploadLostError);
    await slept.writer.close();
    await expect(driver.stat(TARGET)).rejects.toThrow(KeyNotFoundError);
    await writer.append(text('x'));
    await writer.commit(TARGET);
    expect((await driver.stat(TARGET)).size).toBe(writer.size);
  });

  it('lets a holder that slept reach nothing: drop and close', async (context) => {
    const slept = await begin(context);
    await slept.writer.append(text('abc'));
    slept.freeze();
    const { driver } = await current().start();
    const writer = await driver.uploads.open(FOLDER);
    await expect(slept.writer.drop()).rejects.toThrow(UploadLostError);
    await slept.writer.close();
    await expect((await current().start()).driver.uploads.open(FOLDER)).rejects.toThrow(UploadBusyError);
    await writer.append(text('x'));
    await writer.commit(TARGET);
    expect((await driver.stat(TARGET)).size).toBe(writer.size);
  });

  it('lets a holder that slept reach nothing: append and close', async (context) => {
    const slept = await begin(context);
    await slept.writer.append(text('abc'));
    slept.freeze();
    const { driver } = await current().start();
    const writer = await driver.uploads.open(FOLDER);
    const { size } = writer;
    await expect(
      (async () => {
        await slept.writer.append(text('de'));
        await slept.writer.close();
      })(),
    ).rejects.toThrow(UploadLostError);
    await slept.writer.close();
    await writer.append(text('x'));
    await writer.commit(TARGET);
    expect((await driver.stat(TARGET)).size).toBe(size + 1);
  });

  it('is told by its size as who took it over left it, where its holder slept, too', async (context) => {
    const slept = await begin(context);
    await slept.writer.append(text('abc'));
    slept.freeze();
    const { driver } = await current().start();
    const writer = await driver.uploads.open(FOLDER);
    await writer.append(text('defghi'));
    const { size } = writer;
    await writer.close();
    expect(await driver.uploads.size(FOLDER)).toBe(size);
    expect(await slept.process.driver.uploads.size(FOLDER)).toBe(size);
  });

  it('gives what a dead holder had to one of several processes', async (context) => {
    const dead = await begin(context);
    await dead.writer.append(text('abc'));
    dead.freeze();
    const processes = await Promise.all(Array.from({ length: 4 }, () => current().start()));
    const tries = await Promise.allSettled(processes.map(({ driver }) => driver.uploads.open(FOLDER)));
    const writers = tries.filter((each) => each.status === 'fulfilled');
    expect(writers).toHaveLength(1);
    for (const each of tries)
      if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(UploadBusyError);
    await writers[0]?.value.commit(TARGET);
  });

  it('takes over again from who took over', async (context) => {
    const first = await begin(context);
    await first.writer.append(text('abc'));
    first.freeze();
    const second = await current().start();
    const taken = await second.driver.uploads.open(FOLDER);
    await taken.append(text('def'));
    freezeOf(second, context)();
    const { driver } = await current().start();
    const writer = await driver.uploads.open(FOLDER);
    await expect(first.writer.commit(TARGET)).rejects.toThrow(UploadLostError);
    await expect(taken.commit(TARGET)).rejects.toThrow(UploadLostError);
    await writer.append(text('x'));
    await writer.commit(TARGET);
    expect((await driver.stat(TARGET)).size).toBe(writer.size);
  });
}

function freezeOf(process: StorageProcess, context: TestContext): () => void {
  return process.freeze ?? context.skip('this driver never takes a holder for dead');
}
