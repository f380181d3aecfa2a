import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fill, RunningFill } from '../../../src/mirror/fill/fill.ts';
import { Fills } from '../../../src/mirror/fill/fills.ts';
import { Spool } from '../../../src/mirror/fill/spool.ts';
import type { TransferLimits } from '../../../src/mirror/fill/transfer-limits.ts';
import { UpstreamClient } from '../../../src/mirror/upstream/upstream-client.ts';
import type { ByteRange } from '../../../src/oci/byte-range.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { parseRepositoryName } from '../../../src/oci/repository-name.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createFilesystemDriver } from '../../../src/storage/filesystem/filesystem-driver.ts';
import { inlineHashers } from '../../../src/storage/hashing/inline-hashers.ts';
import { createInMemoryDriver } from '../../../src/storage/inmemory/inmemory-driver.ts';
import { createRegistryStorage, type RegistryStorage } from '../../../src/storage/registry-storage.ts';
import { createS3Driver } from '../../../src/storage/s3/s3-driver.ts';
import { disposing } from '../disposing.ts';
import { type S3Place, s3Options } from '../s3/s3-harness.ts';
import { InProcessS3 } from '../s3/s3-server.ts';
import { ScriptedUpstream } from './scripted-upstream.ts';

export const stored = parseRepositoryName('up/team/app');

const PATIENCE = 20_000;

export interface FillBench extends AsyncDisposable {
  readonly fills: Fills;
  readonly storage: RegistryStorage;
  readonly driver: StorageDriver;
  readonly warnings: unknown[];
  fill(digest: Digest, expectedSize?: number): Promise<Fill>;
  /** The fill that is under way. */
  running(digest: Digest): RunningFill | undefined;
  /** Upload folders that are left. */
  litter(): Promise<readonly string[]>;
}

export interface FillBenchOptions {
  readonly urls: readonly string[];
  /** Where it is stored; with the one in memory a spool of so many bytes is used. Default: a directory. */
  readonly spool?: number;
  /** Stored in a bucket of this S3 server. */
  readonly s3?: S3Place;
  /** What the fills see of the storage. */
  readonly through?: (driver: StorageDriver) => StorageDriver;
  readonly limits?: Partial<TransferLimits>;
  /** Milliseconds. Default: longer than any test takes, since a busy machine is no failure. */
  readonly timeouts?: { readonly connect?: number; readonly firstByte?: number; readonly stall?: number };
}

/** Fills from real sockets into a real storage. */
async function fillBench(options: FillBenchOptions): Promise<FillBench> {
  const directory = await mkdtemp(join(tmpdir(), 'fairlead-fill-'));
  const driver = await driverFor(options, directory);
  const warnings: unknown[] = [];
  const log = { warn: (fields: unknown) => void warnings.push(fields) };
  const now = () => performance.now();
  const storage = createRegistryStorage(options.through?.(driver) ?? driver, {
    log,
    hashers: inlineHashers,
    now,
    clock: () => new Date(),
  });
  const timeouts = { connect: PATIENCE, firstByte: PATIENCE, stall: PATIENCE, ...options.timeouts };
  const client = new UpstreamClient({ name: 'up', urls: options.urls, timeouts });
  const fills = new Fills({
    storage,
    hashers: inlineHashers,
    spool: new Spool({ directory, maxSize: options.spool ?? 0 }),
    log,
    now,
    busy: () => 0,
    limits: { fastEnough: 1e12, pause: 5, ...options.limits },
  });
  return {
    fills,
    storage,
    driver,
    warnings,
    fill: (digest, expectedSize) =>
      fills.get({ client, repository: 'team/app', stored, digest, expectedSize }),
    running: (digest) => fills.find(client, digest),
    async litter() {
      if (options.s3 === undefined && options.spool !== undefined) return [];
      const folder = `docker/registry/v2/repositories/${stored}/_uploads`;
      if (options.s3 === undefined) return await readdir(join(directory, folder));
      const { entries } = await driver.list(folder);
      return entries.map(({ name }) => name);
    },
    async [Symbol.asyncDispose]() {
      await fills.close();
      await client.close();
      await driver.close();
      await rm(directory, { recursive: true });
    },
  };
}

async function driverFor({ s3, spool }: FillBenchOptions, rootDirectory: string): Promise<StorageDriver> {
  if (s3 !== undefined) return createS3Driver(s3Options(s3));
  return spool === undefined ? await createFilesystemDriver({ rootDirectory }) : createInMemoryDriver();
}

/** The range of a reader who wants all of a blob, however much that is. */
export const EVERYTHING: ByteRange = { start: 0, end: Number.POSITIVE_INFINITY };

/** All of a fill, as one reader gets it. */
export async function readFill(fill: Fill, start = EVERYTHING.start, end = EVERYTHING.end): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of fill.read({ start, end }, new AbortController().signal)) {
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

export const bytes = (size: number): Buffer => randomBytes(size);

export interface FillBenches {
  upstream(): Promise<ScriptedUpstream>;
  /** @param options `bucket`: stored in a bucket */
  bench(
    urls: readonly ScriptedUpstream[],
    options?: Partial<FillBenchOptions> & { readonly bucket?: true },
  ): Promise<FillBench>;
}

/** Upstreams and fills from them, each for as long as its test. */
export function fillBenches(): FillBenches {
  const hold = disposing();
  return {
    upstream: async () => hold(await ScriptedUpstream.start()),
    bench: async (urls, { bucket, ...options } = {}) => {
      const s3 = bucket === undefined ? {} : { s3: hold(await InProcessS3.start()) };
      return hold(await fillBench({ urls: urls.map(({ url }) => url), ...options, ...s3 }));
    },
  };
}

/** What a repository has under a digest. @throws where it has nothing */
export async function storedContent({ storage }: FillBench, digest: Digest): Promise<Buffer> {
  if ((await storage.layers.find(stored, digest)) === undefined) throw new Error(`${digest} is not linked`);
  return await storage.contents.whole(digest, 1e9);
}
