import type { Config } from '../config/config.ts';
import type { TransferConfig, UpstreamCredentials } from '../config/types/mirror.ts';
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
import type { OutgoingProxies } from '../mirror/upstream/upstream-options.ts';
import { HostedRepository } from '../registry/hosted-repository.ts';
import { inlineHashers } from '../storage/hashing/inline-hashers.ts';
import type { RegistryStorage } from '../storage/registry-storage.ts';
import { KeyNotFoundError } from '../storage/storage-errors.ts';
import { checkSpool } from './check-spool.ts';
import { readCertificates } from './read-certificates.ts';
import type { Resolution, ResolutionParts } from './resolution-parts.ts';
import { upstreamMetrics } from './upstream-metrics.ts';

/** What distribution's proxy keeps at the root of its storage. */
const PROXY_STATE = 'scheduler-state.json';
/** Names of a proxied upstream are its own: this one only stands in messages. */
const PROXIED = 'remote';

/** @throws Error when certificates cannot be read, or the storage belongs to distribution's proxy */
export async function openMirror(
  config: Config,
  mirror: NonNullable<Config['mirror']>,
  parts: ResolutionParts,
): Promise<Resolution> {
  await refuseProxyStorage(parts.storage);
  await checkSpool(config.storage, { spool: mirror.spool, log: parts.logger });
  const { storage, redirect } = parts;
  const metrics = parts.metrics === undefined ? undefined : upstreamMetrics(parts.metrics);
  const upstreams = await mirroredUpstreams(config, mirror);
  const core = new MirrorCore({
    ...coreOptions(parts, mirror),
    upstreams: upstreams.map((upstream) => ({ ...upstream, log: parts.logger, metrics })),
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

/** distribution's `proxy:`. */
export async function openProxy(
  config: Config,
  proxy: NonNullable<Config['proxy']>,
  parts: ResolutionParts,
): Promise<Resolution> {
  await checkSpool(config.storage, { spool: proxy.spool, log: parts.logger });
  const upstream = {
    ...proxiedUpstream(config, proxy),
    log: parts.logger,
    metrics: parts.metrics === undefined ? undefined : upstreamMetrics(parts.metrics),
  };
  const core = new MirrorCore({ ...coreOptions(parts, proxy), upstreams: [upstream] });
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

function coreOptions(
  { storage, redirect, logger }: ResolutionParts,
  { spool, timeouts: { tagCheck, fill } }: TransferConfig,
) {
  return {
    storage,
    spool,
    tagCheck,
    limits: { giveUpAfter: fill },
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

/** Every upstream that the configuration names, as it is asked. @throws Error when certificates cannot be read */
export async function allUpstreams(config: Config): Promise<MirrorUpstream[]> {
  if (config.proxy !== undefined) return [proxiedUpstream(config, config.proxy)];
  return config.mirror === undefined ? [] : await mirroredUpstreams(config, config.mirror);
}

function mirroredUpstreams(
  config: Config,
  { upstreams, timeouts }: NonNullable<Config['mirror']>,
): Promise<MirrorUpstream[]> {
  return Promise.all(
    upstreams.map(async ({ name, urls, insecure, allow, tagTtl, ca, credentials }, index) => ({
      name,
      urls,
      insecure,
      allow,
      tagTtl,
      ca: await readCertificates(`mirror.upstreams[${index}].ca`, ca),
      credentials: credentialSource(credentials),
      timeouts,
      proxies: proxiesOf(config),
    })),
  );
}

function proxiedUpstream(config: Config, proxy: NonNullable<Config['proxy']>): MirrorUpstream {
  return {
    name: PROXIED,
    urls: [proxy.remoteUrl],
    credentials: credentialSource(proxy.credentials),
    timeouts: proxy.timeouts,
    proxies: proxiesOf(config),
    // As distribution: each pull of a tag asks the upstream.
    tagTtl: 0,
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

function proxiesOf({ outgoing }: Config): OutgoingProxies {
  return {
    http: outgoing.httpProxy?.reveal(),
    https: outgoing.httpsProxy?.reveal(),
    no: outgoing.noProxy.join(','),
  };
}
