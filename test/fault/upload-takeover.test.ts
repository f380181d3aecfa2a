import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { createFilesystemDriver } from '../../src/storage/filesystem/filesystem-driver.ts';
import { KeyNotFoundError, UploadBusyError } from '../../src/storage/storage-errors.ts';
import { collect, readAll } from '../contract/storage-harness.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';

const ROOT = 'docker/registry/v2';
const FOLDER = `${ROOT}/repositories/app/_uploads/one`;
const TARGET = `${ROOT}/blobs/sha256/aa/aabb/data`;
const HOLDER = fileURLToPath(new URL('../support/upload-holder.ts', import.meta.url));

type Action = 'append' | 'commit' | 'drop' | 'sleep';

class Holder {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;

  constructor(root: string, action: Action) {
    this.#child = spawn(process.execPath, [HOLDER, root, FOLDER, action, TARGET], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface(this.#child.stdout);
  }

  async line(): Promise<string> {
    const [line] = await once(this.#lines, 'line');
    return String(line);
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#child.kill(name);
  }

  act(): Promise<string> {
    const said = this.line();
    this.#child.stdin.write('go\n');
    return said;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

describe('an upload whose holder is another process', () => {
  let scratch: Scratch;
  let driver: StorageDriver;
  const holders: Holder[] = [];

  beforeEach(async () => {
    scratch = makeScratch();
    driver = await createFilesystemDriver({ rootDirectory: scratch.path });
  });
  afterEach(async () => {
    await Promise.all(holders.splice(0).map((holder) => holder.end()));
    await driver.close();
    await scratch[Symbol.asyncDispose]();
  });

  const hold = async (action: Action) => {
    const holder = new Holder(scratch.path, action);
    holders.push(holder);
    expect(await holder.line()).toBe('holding');
    return holder;
  };

  it('is busy while that lives, which is told within a second', async () => {
    const holder = await hold('commit');
    for (let round = 0; round < 3; round++) {
      const asked = performance.now();
      await expect(driver.uploads.open(FOLDER)).rejects.toThrow(UploadBusyError);
      expect(performance.now() - asked).toBeLessThan(1_000);
    }
    expect(await driver.uploads.size(FOLDER)).toBe(4);
    expect(await holder.act()).toBe('done');
    expect((await readAll(driver, TARGET)).toString()).toBe('held');
  });

  it('is taken over within three seconds when that was killed, with every byte', async () => {
    const holder = await hold('sleep');
    holder.signal('SIGKILL');
    const asked = performance.now();
    const writer = await driver.uploads.open(FOLDER);
    expect(performance.now() - asked).toBeLessThan(3_000);
    expect((await collect(writer.content())).toString()).toBe('held');
    await writer.append(Buffer.from(' on'));
    await writer.commit(TARGET);
    expect((await readAll(driver, TARGET)).toString()).toBe('held on');
  });

  it.each(['append', 'commit', 'drop'] as const)(
    'is out of its reach when that only slept: %s',
    async (action) => {
      const holder = await hold(action);
      holder.signal('SIGSTOP');
      const writer = await driver.uploads.open(FOLDER);
      await writer.append(Buffer.from(' on'));
      const said = holder.act();
      holder.signal('SIGCONT');
      expect(await said).toBe('UploadLostError');
      await expect(driver.stat(TARGET)).rejects.toThrow(KeyNotFoundError);
      expect(await driver.uploads.size(FOLDER)).toBe(7);
      await writer.commit(TARGET);
      expect((await readAll(driver, TARGET)).toString()).toBe('held on');
    },
  );

  it('goes to one of several processes that watch it', async () => {
    const holder = await hold('sleep');
    holder.signal('SIGKILL');
    const drivers = await Promise.all(
      Array.from({ length: 4 }, () => createFilesystemDriver({ rootDirectory: scratch.path })),
    );
    const tries = await Promise.allSettled(drivers.map((each) => each.uploads.open(FOLDER)));
    const writers = tries.filter((each) => each.status === 'fulfilled');
    expect(writers).toHaveLength(1);
    for (const each of tries) {
      if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(UploadBusyError);
    }
    await writers[0]?.value.commit(TARGET);
    await Promise.all(drivers.map((each) => each.close()));
    expect((await readAll(driver, TARGET)).toString()).toBe('held');
  });
});
