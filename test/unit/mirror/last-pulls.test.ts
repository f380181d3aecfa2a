import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LastPulls } from '../../../src/mirror/last-pulls.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseRepositoryName } from '../../../src/oci/repository-name.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createInMemoryDriver } from '../../../src/storage/inmemory/inmemory-driver.ts';
import { collectLog } from '../../support/collected-log.ts';

const name = parseRepositoryName('docker.io/library/nginx');
const digest = digestOf(Buffer.from('a manifest'));
const HOUR = 3_600_000;

function bench(driver: StorageDriver = createInMemoryDriver()) {
  const log = collectLog();
  let time = Date.parse('2026-01-01T00:00:00Z');
  let writes = 0;
  let broken = false;
  const counting: StorageDriver = {
    ...driver,
    write: async (...args) => {
      writes++;
      if (broken) throw new Error('no storage');
      await driver.write(...args);
    },
  };
  const start = () => new LastPulls(counting, { log, clock: () => new Date(time), lastWrite: 100 });
  return {
    log,
    start,
    pass: (milliseconds: number) => {
      time += milliseconds;
      return new Date(time);
    },
    setBroken: (value: boolean) => {
      broken = value;
    },
    writes: () => writes,
  };
}

it('knows after a restart when an image was pulled last', async () => {
  const { start, pass } = bench();
  const before = start();
  before.note(name, digest);
  await before.write();
  const last = pass(1_000);
  before.note(name, digest);
  await before[Symbol.asyncDispose]();
  await using after = start();
  expect(await after.read(name, digest)).toEqual(last);
  expect(await after.read(name, digestOf(Buffer.from('another')))).toBeUndefined();
});

it('writes once an hour however often an image is pulled', async () => {
  const { start, pass, writes } = bench();
  await using pulls = start();
  for (let minute = 0; minute < 60; minute++) {
    pulls.note(name, digest);
    await pulls.write();
    pass(60_000);
  }
  expect(writes()).toBe(1);
  pulls.note(name, digest);
  await pulls.write();
  expect(writes()).toBe(2);
});

it('tries again what could not be written, and says so once', async () => {
  const { start, pass, setBroken, log } = bench();
  const pulls = start();
  setBroken(true);
  const at = pass(HOUR);
  for (let n = 0; n < 50; n++) pulls.note(name, digestOf(Buffer.from(String(n))));
  await pulls.write();
  expect(log.lines).toHaveLength(1);
  setBroken(false);
  await pulls[Symbol.asyncDispose]();
  await using after = start();
  expect(await after.read(name, digestOf(Buffer.from('49')))).toEqual(at);
});

it('holds the end of a server up no longer than a moment', async () => {
  const driver = createInMemoryDriver();
  const slow: StorageDriver = {
    ...driver,
    write: async (...args) => {
      await delay(20);
      await driver.write(...args);
    },
  };
  const pulls = bench(slow).start();
  for (let n = 0; n < 2_000; n++) pulls.note(name, digestOf(Buffer.from(String(n))));
  const began = performance.now();
  await pulls[Symbol.asyncDispose]();
  expect(performance.now() - began).toBeLessThan(4_000);
});
