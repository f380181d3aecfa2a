import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { repositoryFolder } from '../../storage/layout.ts';
import type { RegistryStorage } from '../../storage/registry-storage.ts';
import type { BlobSizes } from '../blob-sizes.ts';
import type { ExpectedTags } from '../expected-tags.ts';
import type { Fills } from '../fill/fills.ts';
import type { JustFetched } from '../just-fetched.ts';
import type { LastPulls } from '../last-pulls.ts';
import type { Outages } from '../outages.ts';
import type { Coalesced, TagChecks } from '../tag-checks.ts';
import type { TagLists } from '../tag-lists.ts';
import type { ManifestHead } from '../upstream/manifest-requests.ts';
import type { ReceivedManifest } from '../upstream/received-manifest.ts';
import type { UpstreamClient } from '../upstream/upstream-client.ts';
import type { UpstreamLog } from '../upstream/upstream-options.ts';

/** What all mirrored repositories share. */
export interface MirrorParts {
  readonly storage: RegistryStorage;
  readonly fills: Fills;
  readonly checks: TagChecks;
  readonly expectedTags: ExpectedTags;
  readonly heads: Coalesced<ManifestHead>;
  readonly manifests: Coalesced<ReceivedManifest>;
  readonly justFetched: JustFetched;
  readonly tagLists: TagLists;
  readonly sizes: BlobSizes;
  readonly pulls: LastPulls;
  readonly log: UpstreamLog;
  readonly outages: Outages;
  /** Milliseconds that a check of a stored tag may take. */
  readonly tagCheck: number;
  /** A URL at which stored bytes can be read without this server. */
  readonly redirect: (content: Digest) => Promise<string | undefined>;
}

/** One repository of an upstream. */
export interface MirroredSource {
  readonly client: UpstreamClient;
  /** Milliseconds for which a tag that was checked is served without asking again. */
  readonly tagTtl: number;
  /** The name upstream. */
  readonly upstreamName: string;
  /** The name here. */
  readonly stored: RepositoryName;
  /** It was asked for by a bare name, under which clients also push. */
  readonly bare: boolean;
}

/** Whether anything of it was ever kept. */
export async function hasAnything({ storage }: MirrorParts, name: RepositoryName): Promise<boolean> {
  const { entries } = await storage.driver.list(repositoryFolder(name));
  return entries.some(({ name }) => name === '_manifests' || name === '_layers');
}
