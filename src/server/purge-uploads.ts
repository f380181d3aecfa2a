import type { UploadPurgingConfig } from '../config/types/storage.ts';
import type { Logger } from '../operations/logger.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { UploadReaper } from '../storage/upload-reaper.ts';

/** Milliseconds from the start to the first run: servers that start together do not all walk at once. */
const FIRST_RUN_WITHIN = 60_000;

/** Runs the upload reaper from time to time, until disposed. */
export function purgeUploads(
  driver: StorageDriver,
  options: { readonly config: UploadPurgingConfig; readonly logger: Logger },
): AsyncDisposable {
  const { config, logger } = options;
  const reaper = new UploadReaper(driver, { log: logger, clock: () => new Date() });
  const stop = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const run = async (): Promise<void> => {
    try {
      const removed = await reaper.reap({ age: config.age, dryRun: config.dryRun, signal: stop.signal });
      logger.info({ removed, dryRun: config.dryRun }, 'old upload sessions were looked for');
    } catch (error) {
      if (!stop.signal.aborted) logger.error({ err: error }, 'old upload sessions could not be removed');
    }
    if (!stop.signal.aborted) schedule(config.interval);
  };
  const schedule = (delay: number): void => {
    timer = setTimeout(() => {
      running = run();
    }, delay);
    timer.unref();
  };
  if (config.enabled) schedule(Math.random() * Math.min(FIRST_RUN_WITHIN, config.interval));
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
