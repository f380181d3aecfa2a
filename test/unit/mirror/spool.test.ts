import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkSpool } from '../../../src/server/check-spool.ts';
import { collectLog } from '../../support/collected-log.ts';
import { parse } from '../../support/parse.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch[Symbol.asyncDispose]());

async function warned(storage: string, directory: string): Promise<readonly unknown[]> {
  const log = collectLog();
  const { config } = parse(`storage: ${storage}`);
  await checkSpool(config.storage, { spool: { directory, maxSize: 1 }, log });
  return log.lines;
}

const BUCKET = '{ s3: { bucket: b, region: us-east-1 } }';

it('tells at the start of a spool that is not there, where a bucket needs one', async () => {
  const none = scratch.at('none');
  expect(await warned(BUCKET, none)).toMatchObject([
    { level: 'warn', fields: { key: 'mirror.spool.directory', reason: expect.stringContaining(none) } },
  ]);
  expect(await warned('{ filesystem: { rootdirectory: /a } }', none)).toEqual([]);
});

it('says nothing of one that can be written, and leaves nothing there', async () => {
  expect(await warned(BUCKET, scratch.path)).toEqual([]);
  expect(await readdir(scratch.path)).toEqual([]);
});
