import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { Folders } from '../../../src/storage/filesystem/folders.ts';
import { writeFileAtomically } from '../../../src/storage/filesystem/object-writer.ts';
import { StorageRoot } from '../../../src/storage/filesystem/root.ts';
import { uniqueNames } from '../../../src/storage/filesystem/unique-names.ts';
import { makeScratch } from '../../support/scratch.ts';

it('writes anew where another process deletes the folder before its name is on disk', async () => {
  await using scratch = makeScratch();
  const root = await StorageRoot.open(scratch.path);
  const folders = new Folders(root);
  const path = root.path('docker/registry/v2/repositories/app/_manifests/tags/v1/current/link');
  const sync = folders.sync.bind(folders);
  let deleted = false;
  folders.sync = async (folder) => {
    if (!deleted) await rm(dirname(folder), { recursive: true });
    deleted = true;
    return sync(folder);
  };
  const options = { folders, durable: true, ownerOnly: false, uniqueName: uniqueNames() };
  await writeFileAtomically(path, Buffer.from('x'), options);
  expect(await readFile(path, 'utf8')).toBe('x');
});
