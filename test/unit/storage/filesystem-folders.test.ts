import { mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createFilesystemDriver } from '../../../src/storage/filesystem/filesystem-driver.ts';
import { listNames, readAll } from '../../contract/storage-harness.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

const ROOT = 'docker/registry/v2';
const TAGS = `${ROOT}/repositories/app/_manifests/tags`;

describe('filesystem driver: folders and what others leave in them', () => {
  let scratch: Scratch;
  let driver: StorageDriver;
  let now: number;
  const at = (...names: string[]) => scratch.at('data', ...names);

  beforeEach(async () => {
    scratch = makeScratch();
    now = Date.now();
    driver = await createFilesystemDriver({ rootDirectory: scratch.at('data'), now: () => now });
    await mkdir(at(TAGS), { recursive: true });
  });
  afterEach(async () => {
    await driver.close();
    await scratch[Symbol.asyncDispose]();
  });

  it('keeps names that had settled when they were read, until the folder changes', async () => {
    const settled = new Date(now - 60_000);
    await mkdir(at(TAGS, 'a'));
    await utimes(at(TAGS), settled, settled);
    expect(await listNames(driver, TAGS)).toEqual(['a/']);
    await mkdir(at(TAGS, 'b'));
    await utimes(at(TAGS), settled, settled);
    expect(await listNames(driver, TAGS), 'not read again').toEqual(['a/']);
    await mkdir(at(TAGS, 'c'));
    expect(await listNames(driver, TAGS)).toEqual(['a/', 'b/', 'c/']);
  });

  it('reads names again that had changed less than two seconds before they were read', async () => {
    const unsettled = new Date(now - 1_900);
    await mkdir(at(TAGS, 'a'));
    await utimes(at(TAGS), unsettled, unsettled);
    expect(await listNames(driver, TAGS)).toEqual(['a/']);
    await mkdir(at(TAGS, 'b'));
    await utimes(at(TAGS), unsettled, unsettled);
    expect(await listNames(driver, TAGS)).toEqual(['a/', 'b/']);
  });

  it('shows no temporary files, and follows symbolic links', async () => {
    await mkdir(scratch.at('elsewhere'));
    await symlink(scratch.at('elsewhere'), at(TAGS, 'linked'));
    await symlink(scratch.at('nowhere'), at(TAGS, 'dangling'));
    await writeFile(at(TAGS, 'link.0b1c2d3e.tmp'), 'cut');
    await mkdir(at(TAGS, 'v1.tmp'));
    expect(await listNames(driver, TAGS)).toEqual(['linked/', 'v1.tmp/']);
  });

  it('leaves no temporary file behind when a write fails', async () => {
    await mkdir(at(TAGS, 'v1', 'current', 'link', 'in-the-way'), { recursive: true });
    await expect(driver.write(`${TAGS}/v1/current/link`, Buffer.from('x'))).rejects.toThrow();
    expect(await readdir(at(TAGS, 'v1', 'current'))).toEqual(['link']);
  });

  it('reads an empty link, as a crash of distribution 2.8 leaves it', async () => {
    await mkdir(at(TAGS, 'v1', 'current'), { recursive: true });
    await writeFile(at(TAGS, 'v1', 'current', 'link'), '');
    expect(await readAll(driver, `${TAGS}/v1/current/link`)).toHaveLength(0);
  });

  it("goes on with an upload of distribution's, and leaves its own under the same name", async () => {
    const folder = `${ROOT}/repositories/app/_uploads/one`;
    await mkdir(at(folder, 'hashstates', 'sha256'), { recursive: true });
    await writeFile(at(folder, 'hashstates', 'sha256', '3'), 'state');
    await writeFile(at(folder, 'data'), 'abc');
    expect(await driver.uploads.size(folder)).toBe(3);
    const writer = await driver.uploads.open(folder);
    await writer.append(Buffer.from('def'));
    await writer.close();
    expect((await readFile(at(folder, 'data'))).toString()).toBe('abcdef');
    await (await driver.uploads.open(folder)).commit(`${ROOT}/blobs/sha256/aa/aabb/data`);
    expect((await readAll(driver, `${ROOT}/blobs/sha256/aa/aabb/data`)).toString()).toBe('abcdef');
    expect(await readdir(at(ROOT, 'repositories/app/_uploads'))).toEqual([]);
  });

  it('gives back what it holds when it is closed', async () => {
    const folder = `${ROOT}/repositories/app/_uploads/two`;
    const writer = await driver.uploads.create(folder);
    await writer.append(Buffer.from('abc'));
    await driver.close();
    expect(await readdir(at(folder))).toEqual(['data']);
  });
});
