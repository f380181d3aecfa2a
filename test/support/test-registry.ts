import { randomUUID } from 'node:crypto';
import { type AppDependencies, createApp } from '../../src/app.ts';
import type { Authorizer, Grant } from '../../src/oci/access.ts';
import { BodyBuffers } from '../../src/operations/body-buffers.ts';
import type { Logger } from '../../src/operations/logger.ts';
import { HostedResolver } from '../../src/registry/hosted-repository.ts';
import type { AuditEntry, RegistrySettings } from '../../src/registry/registry-api.ts';
import { UploadSlots } from '../../src/registry/upload-slots.ts';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { inlineHashers } from '../../src/storage/hashing/inline-hashers.ts';
import { createInMemoryDriver } from '../../src/storage/inmemory/inmemory-driver.ts';
import { createRegistryStorage, type RegistryStorage } from '../../src/storage/registry-storage.ts';

export const TEST_SETTINGS: RegistrySettings = {
  deleteEnabled: true,
  readOnly: false,
  relativeUrls: false,
  maxCatalogEntries: 1000,
  maxTags: 1000,
  maxManifestSize: 4 * 1024 * 1024 + 64 * 1024,
  idleBody: 30_000,
  manifests: { disabled: false, urls: { allow: [], deny: [] }, indexes: { platforms: 'all', list: [] } },
};

const EVERYTHING: Grant = { account: undefined, allows: () => true, sees: () => true, decided: () => true };

/** Everybody may do everything. */
export const OPEN_AUTHORIZER: Authorizer = { anonymous: EVERYTHING, authorize: async () => EVERYTHING };

export interface LogLine {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface TestRegistry {
  /** For supertest. */
  readonly app: ReturnType<ReturnType<typeof createApp>['callback']>;
  readonly storage: RegistryStorage;
  readonly driver: StorageDriver;
  readonly log: readonly LogLine[];
  readonly audit: readonly AuditEntry[];
}

export interface TestRegistryOptions {
  readonly settings?: Partial<RegistrySettings>;
  readonly driver?: StorageDriver;
  readonly authorizer?: Authorizer;
  readonly uploadSlots?: number;
  readonly host?: string;
  readonly prefix?: string;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  readonly extensions?: AppDependencies['extensions'];
}

/** The application on a storage in memory. */
export function createTestRegistry(options: TestRegistryOptions = {}): TestRegistry {
  const log: LogLine[] = [];
  const audit: AuditEntry[] = [];
  const driver = options.driver ?? createInMemoryDriver();
  const logger = collectingLogger(log);
  const storage = createRegistryStorage(driver, {
    log: logger,
    hashers: inlineHashers,
    now: () => performance.now(),
    clock: () => new Date(),
  });
  const app = createApp({
    api: {
      storage,
      resolver: new HostedResolver(storage, async () => undefined),
      authorizer: options.authorizer ?? OPEN_AUTHORIZER,
      uploadSlots: new UploadSlots(options.uploadSlots ?? 1024),
      bodyBuffers: new BodyBuffers(),
      settings: { ...TEST_SETTINGS, ...options.settings },
      isMirrored: () => false,
      audit: (entry) => audit.push(entry),
    },
    logger,
    settings: {
      host: options.host,
      prefix: options.prefix ?? '',
      headers: options.headers ?? {},
      trustedProxies: undefined,
    },
    newRequestId: randomUUID,
    extensions: options.extensions ?? [],
  });
  return { app: app.callback(), storage, driver, log, audit };
}

function collectingLogger(lines: LogLine[]): Logger {
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    lines.push({ level, fields, message });
  };
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}
