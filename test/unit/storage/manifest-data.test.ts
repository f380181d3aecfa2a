import { expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { DOCKER_SCHEMA1_SIGNED } from '../../../src/oci/media-types.ts';
import { parseRepositoryName } from '../../../src/oci/repository-name.ts';
import { readContent } from '../../../src/storage/content.ts';
import { inlineHashers } from '../../../src/storage/hashing/inline-hashers.ts';
import { createInMemoryDriver } from '../../../src/storage/inmemory/inmemory-driver.ts';
import { blobDataKey } from '../../../src/storage/layout.ts';
import { createRegistryStorage } from '../../../src/storage/registry-storage.ts';

const UNKNOWN = {
  mediaType: DOCKER_SCHEMA1_SIGNED,
  config: undefined,
  layers: [],
  manifests: [],
  subject: undefined,
};

it('never puts bytes under a digest that is not theirs: a signed manifest has that of what was signed', async () => {
  const driver = createInMemoryDriver();
  const open = () =>
    createRegistryStorage(driver, {
      log: { warn: () => {} },
      hashers: inlineHashers,
      now: () => performance.now(),
      clock: () => new Date(),
    });
  const layer = Buffer.alloc(100_000, 'layer');
  const digest = digestOf(layer);
  await driver.write(blobDataKey(digest), layer);
  const name = parseRepositoryName('up/app');
  const content = Buffer.from('{"schemaVersion":1,"signatures":[{}]}');
  const manifest = { ...UNKNOWN, artifactType: undefined, annotations: undefined };
  await open().manifests.put(name, { digest, content, manifest, tags: [] });
  expect((await readContent(driver, blobDataKey(digest), { limit: 1e6 })).equals(layer)).toBe(true);
  const found = await open().manifests.find(name, { kind: 'digest', digest });
  expect(found?.content.equals(content)).toBe(true);
  expect(found?.digest).toBe(digest);
});
