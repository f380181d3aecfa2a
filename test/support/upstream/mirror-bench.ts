import { randomUUID } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { createApp } from '../../../src/app.ts';
import { Mirror } from '../../../src/mirror/mirror.ts';
import { MirrorCore, type MirrorUpstream } from '../../../src/mirror/mirror-core.ts';
import { UpstreamDirectory, type UpstreamNames } from '../../../src/mirror/resolution/upstream-directory.ts';
import type { Authorizer } from '../../../src/oci/access.ts';
import { BodyBuffers } from '../../../src/operations/body-buffers.ts';
import { HostedRepository } from '../../../src/registry/hosted-repository.ts';
import { UploadSlots } from '../../../src/registry/upload-slots.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { inlineHashers } from '../../../src/storage/hashing/inline-hashers.ts';
import { createInMemoryDriver } from '../../../src/storage/inmemory/inmemory-driver.ts';
import { createRegistryStorage, type RegistryStorage } from '../../../src/storage/registry-storage.ts';
import { type CollectedLog, collectLog } from '../collected-log.ts';
import { OPEN_AUTHORIZER, TEST_SETTINGS } from '../test-registry.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface MirrorBench extends AsyncDisposable {
  readonly url: string;
  readonly storage: RegistryStorage;
  readonly core: MirrorCore;
  /** What the mirror and the storage log. */
  readonly log: CollectedLog;
  /** Lets time pass for tags, limits and breakers. */
  pass(milliseconds: number): void;
  ask(
    path: string,
    options?: {
      readonly method?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Buffer | string;
    },
  ): Promise<Answer>;
}

export interface MirrorBenchOptions {
  readonly upstreams: readonly (UpstreamNames &
    Pick<MirrorUpstream, 'urls' | 'credentials' | 'allow' | 'tagTtl'>)[];
  readonly driver?: StorageDriver;
  readonly authorizer?: Authorizer;
  /** Milliseconds that the upstreams are waited for. Default: longer than any test takes. */
  readonly patience?: number;
  /** Milliseconds that the check of a stored tag may take. Default: as long as anything. */
  readonly tagCheck?: number;
  /** distribution's `http.host`. */
  readonly host?: string;
}

/** The application with a mirror, on a real socket; time is under control, but not that of timeouts. */
export async function mirrorBench(options: MirrorBenchOptions): Promise<MirrorBench> {
  let passed = 0;
  const now = () => performance.now() + passed;
  const log = collectLog();
  const storage = createRegistryStorage(options.driver ?? createInMemoryDriver(), {
    log,
    hashers: inlineHashers,
    now,
    clock: () => new Date(),
  });
  const { patience = 20_000 } = options;
  const redirect = async () => undefined;
  const core = new MirrorCore({
    upstreams: options.upstreams.map((upstream) => ({
      ...upstream,
      now,
      timeouts: { connect: patience, firstByte: patience, stall: patience },
    })),
    storage,
    hashers: inlineHashers,
    spool: { directory: tmpdir(), maxSize: 1024 ** 3 },
    log,
    now,
    clock: () => new Date(),
    tagCheck: options.tagCheck ?? patience,
    limits: { pause: 5, tries: 3 },
    redirect,
  });
  const mirror = new Mirror({
    core,
    directory: new UpstreamDirectory(
      options.upstreams.map((upstream) => ({ dockerHub: upstream.name === 'docker.io', ...upstream })),
    ),
    storage,
    now,
    hosted: (name) => new HostedRepository(storage, name, redirect),
  });
  const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };
  const app = createApp({
    api: {
      storage,
      resolver: mirror,
      authorizer: options.authorizer ?? OPEN_AUTHORIZER,
      settings: TEST_SETTINGS,
      isMirrored: (name) => mirror.isMirrored(name),
      audit: () => {},
      uploadSlots: new UploadSlots(16),
      bodyBuffers: new BodyBuffers(),
    },
    logger,
    settings: { host: options.host, prefix: '', headers: {}, trustedProxies: undefined },
    newRequestId: randomUUID,
    upstreams: mirror,
  });
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    storage,
    core,
    log,
    pass: (milliseconds) => {
      passed += milliseconds;
    },
    ask: (path, { method = 'GET', headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const req = httpRequest(`${url}${path}`, { method, headers, agent: false }, (res) => {
          const chunks: Buffer[] = [];
          res.on('data', (chunk: Buffer) => chunks.push(chunk));
          res.on('error', reject);
          res.on('end', () =>
            resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) }),
          );
        });
        req.on('error', reject);
        req.end(body);
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await mirror[Symbol.asyncDispose]();
    },
  };
}
