import { expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseManifest } from '../../../src/oci/manifest.ts';
import { OCI_EMPTY, OCI_IMAGE_MANIFEST } from '../../../src/oci/media-types.ts';
import { parseRepositoryName } from '../../../src/oci/repository-name.ts';
import { inlineHashers } from '../../../src/storage/hashing/inline-hashers.ts';
import { createInMemoryDriver } from '../../../src/storage/inmemory/inmemory-driver.ts';
import { createRegistryStorage } from '../../../src/storage/registry-storage.ts';

const name = parseRepositoryName('app');
const subject = digestOf(Buffer.from('subject'));

function referrer(index: number, note: string): Buffer {
  const empty = { mediaType: OCI_EMPTY, digest: digestOf(Buffer.from('{}')), size: 2 };
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      config: empty,
      layers: [],
      subject: { mediaType: OCI_IMAGE_MANIFEST, digest: subject, size: 7 },
      annotations: { note: `${index} ${note}` },
    }),
  );
}

it('remembers no more of what referrers say of themselves than fits, however large they are', async () => {
  const driver = createInMemoryDriver();
  let reads = 0;
  const counted = {
    ...driver,
    read: (...args: Parameters<typeof driver.read>) => {
      if (args[0].includes('/blobs/')) reads += 1;
      return driver.read(...args);
    },
  };
  const { manifests, referrers } = createRegistryStorage(counted, {
    log: { warn: () => {} },
    hashers: inlineHashers,
    now: () => performance.now(),
    clock: () => new Date(),
  });
  const note = 'x'.repeat(3_000_000);
  for (let index = 0; index < 6; index++) {
    const content = referrer(index, note);
    await manifests.put(name, {
      digest: digestOf(content),
      content,
      manifest: parseManifest(content),
      tags: [],
    });
  }
  expect(await referrers.list(name, subject)).toHaveLength(6);
  reads = 0;
  expect(await referrers.list(name, subject)).toHaveLength(6);
  expect(reads, 'some were not remembered').toBeGreaterThan(0);
});
