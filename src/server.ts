import { randomUUID } from 'node:crypto';
import { createApp } from './app.ts';
import type { Config } from './config/config.ts';
import { withAccessLog } from './operations/access-log.ts';
import { BodyBuffers } from './operations/body-buffers.ts';
import { clientAddress } from './operations/client-address.ts';
import { listen } from './operations/listener.ts';
import type { Logs } from './operations/logs.ts';
import { UploadSlots } from './registry/upload-slots.ts';
import { blobRedirect } from './server/blob-redirect.ts';
import { listenOptions, networksOf } from './server/listening.ts';
import { openLogin } from './server/login/open-login.ts';
import { openMetrics, openMonitoring } from './server/monitoring.ts';
import { openDriver } from './server/open-driver.ts';
import { purgeUploads } from './server/purge-uploads.ts';
import { registrySettings } from './server/registry-settings.ts';
import { openResolution } from './server/resolution.ts';
import { timedDriver } from './server/timed-driver.ts';
import { openHashers } from './storage/hashing/open-hashers.ts';
import { createRegistryStorage } from './storage/registry-storage.ts';

export interface RunningServer extends AsyncDisposable {
  /** `127.0.0.1:5000`, `[::]:5000`, or a socket's path. */
  readonly address: string;
  /** 0 on a Unix socket. */
  readonly port: number;
  /**
   * Ends it: requests under way get `http.draintimeout`.
   * @returns how many had to be cut
   */
  close(): Promise<number>;
}

/**
 * Puts the server together from its configuration and starts it.
 * @throws Error when the storage cannot be opened or the address not be had
 */
export async function startServer(config: Config, { logger, always }: Logs): Promise<RunningServer> {
  await using opened = new AsyncDisposableStack();
  const metrics = await openMetrics(config);
  const untimed = opened.adopt(await openDriver(config, { log: logger }), (open) => open.close());
  const driver = metrics === undefined ? untimed : timedDriver(untimed, metrics.storage);
  const hashers = opened.use(openHashers());
  const storage = createRegistryStorage(driver, {
    log: logger,
    hashers,
    now: () => performance.now(),
    clock: () => new Date(),
  });
  if (!config.storage.readOnly)
    opened.use(purgeUploads(driver, { config: config.storage.uploadPurging, logger }));
  const trustedProxies = networksOf(config.http.trustedProxies);
  const resolution = opened.use(
    await openResolution(config, {
      storage,
      redirect: blobRedirect(driver, config.storage),
      logger,
      metrics,
    }),
  );
  const { resolver, names, isMirrored, upstreams } = resolution;
  const login = opened.use(await openLogin(config, { driver, names, logs: { logger, always } }));
  const app = createApp({
    api: {
      storage,
      resolver,
      authorizer: login.authorizer,
      uploadSlots: new UploadSlots(config.http.limits.uploads),
      bodyBuffers: new BodyBuffers(),
      settings: registrySettings(config),
      isMirrored,
      audit: (entry) => always.info({ ...entry }, 'audit'),
    },
    logger,
    settings: {
      host: config.http.host,
      prefix: config.http.prefix,
      headers: config.http.headers,
      trustedProxies,
    },
    newRequestId: randomUUID,
    ...(upstreams === undefined ? {} : { upstreams }),
    extensions: login.routes((ctx) => ctx.state.caller),
  });
  const monitoring = opened.use(await openMonitoring(config, { driver, logger, metrics }));
  const handler = monitoring.around(app.callback());
  const address = (req: Parameters<typeof clientAddress>[0]): string => clientAddress(req, trustedProxies);
  const listener = await listen(
    config.log.accessLog ? withAccessLog(handler, { logger: always, address }) : handler,
    listenOptions(config.http, logger),
  );
  logger.info({ address: listener.address }, 'listening');
  const rest = opened.move();
  const close = async (): Promise<number> => {
    const cut = await listener.close({ drain: config.http.drainTimeout });
    await rest.disposeAsync();
    return cut;
  };
  return {
    address: listener.address,
    port: listener.port,
    close,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}
