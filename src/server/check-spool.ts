import type { StorageConfig } from '../config/types/storage.ts';
import { Spool, type SpoolOptions } from '../mirror/fill/spool.ts';
import { reasonOf } from '../operations/error-description.ts';
import type { Logger } from '../operations/logger.ts';

/** Says at the start that fills will go without their spool, where the storage makes them use one. */
export async function checkSpool(
  { backend }: Pick<StorageConfig, 'backend'>,
  { spool, log }: { readonly spool: SpoolOptions; readonly log: Pick<Logger, 'warn'> },
): Promise<void> {
  if (backend.driver === 'filesystem') return;
  try {
    await Spool.try(spool.directory);
  } catch (error) {
    log.warn(
      { key: 'mirror.spool.directory', reason: reasonOf(error) },
      'the spool cannot be written: layers are fetched without it, and slow readers of them wait until they are complete',
    );
  }
}
