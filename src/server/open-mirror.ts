import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { UpstreamFinder } from '../app.ts';
import type { NameResolver } from '../auth/name-resolver.ts';
import { hostedNames } from '../auth/name-resolver.ts';
import type { Config, UpstreamConfig, UpstreamCredentials } from '../config/config.ts';
import { Mirror } from '../mirror/mirror.ts';
import { MirrorCore, type MirrorCoreOptions, type MirrorUpstream } from '../mirror/mirror-core.ts';
import { ProxyMirror } from '../mirror/proxy.ts';
import { UpstreamDirectory } from '../mirror/resolution/upstream-directory.ts';
import {
  type CredentialSource,
  credentialHelper,
  fixedCredentials,
  passwordFileCredentials,
} from '../mirror/upstream/credentials.ts';
import type { OutgoingProxies, UpstreamMetrics } from '../mirror/upstream/upstream-options.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Logger } from '../operations/logger.ts';
import { type BlobRedirect, HostedRepository, HostedResolver } from '../registry/hosted-repository.ts';
import type { RepositoryResolver } from '../registry/repository-resolver.ts';
import { inlineHashers } from '../storage/hashing/inline-hashers.ts';
import type { RegistryStorage } from '../storage/registry-storage.ts';
import { KeyNotFoundError } from '../storage/storage-errors.ts';

/** Where names lead, with and without a mirror. */
export interface Resolution extends AsyncDisposable {
  readonly resolver: RepositoryResolver;
  readonly names: NameResolver;
  readonly isMirrored: (name: RepositoryName) => boolean;
  readonly upstreams: UpstreamFinder | undefined;
}

export interface ResolutionParts {
  readonly storage: RegistryStorage;
  readonly redirect: BlobRedirect;
  readonly logger: Logger;
  readonly metrics?: UpstreamMetrics | undefined;
}

/** What distribution's proxy keeps at the root of its storage. */
const PROXY_STATE = 'scheduler-state.json';
const DEFAULT_SPOOL = { directory: tmpdir(), maxSize: 10 * 1024 ** 3 };
/** Names of a proxied upstream are its own: this one only stands in messages. */
const PROXIED = 'remote';

/** @throws Error when certificates cannot be read, or the storage belongs to distribution's proxy */
export async function openResolution(config: Config, parts: ResolutionParts): Promise<Resolution> {
  if (config.mirror !== undefined) return await openMirror(config, config.mirror, parts);
  if (config.proxy !== undefined) return openProxy(config, config.proxy, parts);
  return {
    resolver: new HostedResolver(parts.storage, parts.redirect),
    names: hostedNames,
    isMirrored: () => false,
    upstreams: undefined,
    [Symbol.asyncDispose]: async () => {},
  };
}

async function openMirror(
  config: Config,
  mirror: NonNullable<Config['mirror']>,
  parts: ResolutionParts,
): Promise<Resolution> {
  await refuseProxyStorage(parts.storage);
  const { connect, firstByte, stall, tagCheck, fill } = mirror.timeouts;
  const { storage, redirect } = parts;
  const upstreams: MirrorUpstream[] = [];
  for (const upstream of mirror.upstreams) {
    upstreams.push({
      ...(await upstreamOptions(upstream, parts)),
      timeouts: { connect, firstByte, stall },
      proxies: proxiesOf(config),
    });
  }
  const core = new MirrorCore({
    ...coreOptions(parts),
    upstreams,
    spool: mirror.spool,
    tagCheck,
    limits: { giveUpAfter: fill },
  });
  const running = new Mirror({
    core,
    directory: new UpstreamDirectory(mirror.upstreams, mirror.default),
    storage,
    now: () => performance.now(),
    hosted: (name) => new HostedRepository(storage, name, redirect),
  });
  return {
    resolver: running,
    names: running,
    isMirrored: (name) => running.isMirrored(name),
    upstreams: running,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

function openProxy(config: Config, proxy: NonNullable<Config['proxy']>, parts: ResolutionParts): Resolution {
  const upstream: MirrorUpstream = {
    name: PROXIED,
    urls: [proxy.remoteUrl],
    credentials: credentialSource(proxy.credentials),
    proxies: proxiesOf(config),
    // As distribution: each pull of a tag asks the upstream.
    tagTtl: 0,
    log: parts.logger,
    metrics: parts.metrics,
  };
  const core = new MirrorCore({ ...coreOptions(parts), upstreams: [upstream], spool: DEFAULT_SPOOL });
  const running = new ProxyMirror(core, upstream);
  return {
    resolver: running,
    names: {
      meanings: (name) => [{ resolved: name, mirrored: true }],
      current: async (name) => ({ resolved: name, mirrored: true }),
    },
    isMirrored: () => true,
    upstreams: undefined,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

function coreOptions({ storage, redirect, logger }: ResolutionParts) {
  return {
    storage,
    // What arrives by the network is hashed where it is: sending it to a thread costs more than the hash.
    hashers: inlineHashers,
    redirect,
    log: logger,
    now: () => performance.now(),
    clock: () => new Date(),
  } satisfies Partial<MirrorCoreOptions>;
}

/** Bare names of a storage that distribution's proxy filled would be taken for pushed ones. */
async function refuseProxyStorage({ driver }: RegistryStorage): Promise<void> {
  try {
    await driver.stat(PROXY_STATE);
  } catch (error) {
    if (error instanceof KeyNotFoundError) return;
    throw error;
  }
  throw new Error(
    `the storage was filled by distribution's proxy (it has ${PROXY_STATE}), so its bare names are an upstream's: ` +
      'use it with proxy:, or give mirror: a storage of its own',
  );
}

/** What a client of this upstream needs; used to probe it as well. */
export async function upstreamOptions(
  upstream: UpstreamConfig,
  { logger, metrics }: Pick<ResolutionParts, 'logger' | 'metrics'>,
): Promise<MirrorUpstream> {
  const { name, urls, insecure, allow, tagTtl } = upstream;
  return {
    name,
    urls,
    insecure,
    allow,
    tagTtl,
    ca: upstream.ca === undefined ? undefined : await readFile(upstream.ca, 'utf8'),
    credentials: credentialSource(upstream.credentials),
    log: logger,
    metrics,
  };
}

function credentialSource(credentials: UpstreamCredentials | undefined): CredentialSource | undefined {
  if (credentials === undefined) return undefined;
  switch (credentials.kind) {
    case 'password': {
      const { username, password } = credentials;
      return fixedCredentials({ username, password: password.reveal() });
    }
    case 'passwordfile':
      return passwordFileCredentials(credentials.username, credentials.path);
    case 'helper':
      return credentialHelper(credentials);
    default:
      return credentials satisfies never;
  }
}

export function proxiesOf({ outgoing }: Config): OutgoingProxies {
  return {
    http: outgoing.httpProxy?.reveal(),
    https: outgoing.httpsProxy?.reveal(),
    no: outgoing.noProxy.join(','),
  };
}
