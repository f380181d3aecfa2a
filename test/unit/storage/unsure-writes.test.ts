import { expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { OCI_IMAGE_MANIFEST } from '../../../src/oci/media-types.ts';
import { parseRepositoryName } from '../../../src/oci/repository-name.ts';
import { inlineHashers } from '../../../src/storage/hashing/inline-hashers.ts';
import { createInMemoryDriver } from '../../../src/storage/inmemory/inmemory-driver.ts';
import { blobDataKey, revisionLinkKey } from '../../../src/storage/layout.ts';
import { createRegistryStorage } from '../../../src/storage/registry-storage.ts';
import { StorageUnavailableError } from '../../../src/storage/storage-errors.ts';

const name = parseRepositoryName('app');
const content = Buffer.from('{"schemaVersion":2}');
const digest = digestOf(content);
const nothing = { config: undefined, layers: [], manifests: [], subject: undefined };
const manifest = {
  ...nothing,
  mediaType: OCI_IMAGE_MANIFEST,
  artifactType: undefined,
  annotations: undefined,
};

it.each([
  ['data', blobDataKey(digest)],
  ['link', revisionLinkKey(name, digest)],
])('the %s of a manifest is written again when its write failed after it was in place', async (_, key) => {
  const inner = createInMemoryDriver();
  const written: string[] = [];
  const driver = {
    ...inner,
    write: async (...args: Parameters<typeof inner.write>) => {
      await inner.write(...args);
      written.push(args[0]);
      const isFirst = written.filter((one) => one === key).length === 1;
      if (args[0] === key && isFirst) throw new StorageUnavailableError('the fsync of its folder failed');
    },
  };
  const { manifests } = createRegistryStorage(driver, {
    log: { warn: () => {} },
    hashers: inlineHashers,
    now: () => performance.now(),
    clock: () => new Date(),
  });
  const put = () => manifests.put(name, { digest, content, manifest, tags: [] });
  await expect(put()).rejects.toThrow(StorageUnavailableError);
  await put();
  await put();
  expect(written.filter((one) => one === key)).toHaveLength(2);
});
