import { BlobContents } from './blob-contents.ts';
import { Candidates } from './candidates.ts';
import { Catalog } from './catalog.ts';
import type { HasherPool } from './content-hasher.ts';
import type { StorageDriver } from './driver.ts';
import { Layers } from './layers.ts';
import { Linker } from './linking.ts';
import { LinkStore } from './links.ts';
import { Manifests } from './manifests.ts';
import { References } from './references.ts';
import { Referrers } from './referrers.ts';
import type { StorageLog } from './storage-log.ts';
import { Tags } from './tags.ts';
import { UploadSessions } from './upload-sessions.ts';

export interface RegistryStorageOptions {
  readonly log: StorageLog;
  readonly hashers: HasherPool;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  readonly clock: () => Date;
}

/** What lies on a driver, by what it means. */
export interface RegistryStorage {
  readonly driver: StorageDriver;
  readonly contents: BlobContents;
  readonly layers: Layers;
  readonly manifests: Manifests;
  readonly tags: Tags;
  readonly referrers: Referrers;
  readonly references: References;
  readonly catalog: Catalog;
  readonly uploads: UploadSessions;
}

export function createRegistryStorage(
  driver: StorageDriver,
  options: RegistryStorageOptions,
): RegistryStorage {
  const { log, hashers, now, clock } = options;
  const contents = new BlobContents(driver, { now });
  const links = new LinkStore(driver, { log, now });
  const linker = new Linker(new Candidates(driver, { now, clock }), links);
  const layers = new Layers({ contents, links, linker, log });
  const tags = new Tags(driver, links);
  const referrers = new Referrers({ driver, contents, links, tags });
  const manifests = new Manifests({ driver, contents, links, linker, tags, referrers, log });
  const uploads = new UploadSessions({ driver, contents, layers, hashers, clock });
  const references = new References({ contents, layers, manifests, linker });
  const catalog = new Catalog(driver);
  return { driver, contents, layers, manifests, tags, referrers, references, catalog, uploads };
}
