import { rotateKeys } from '../auth/rotate-keys.ts';
import { openDriver } from '../server/open-driver.ts';
import { StorageFullError, StorageUnavailableError } from '../storage/storage-errors.ts';
import { parseArguments } from './arguments.ts';
import { type Command, type CommandContext, UsageError } from './command.ts';
import { readConfig } from './read-config.ts';

/** Makes a new key for the built-in token service, in the storage, where running servers find it. */
export const key: Command = async (args, context) => {
  const { positionals, values } = parseArguments(args, {
    options: { config: { type: 'string' }, all: { type: 'boolean' } },
    most: 1,
  });
  if (positionals[0] !== 'rotate') throw new UsageError('rotate is meant');
  const loaded = readConfig({ file: values.config }, context);
  if (loaded === undefined) return 1;
  const { auth, storage } = loaded.config;
  const refusal =
    auth.mode !== 'builtin'
      ? `${loaded.file} has no auth.builtin, so there are no keys`
      : auth.keys.length > 0
        ? `${loaded.file} gives the key in auth.builtin.key: put a new one in front of that list`
        : storage.backend.driver === 'inmemory'
          ? 'storage.inmemory keeps its keys with the server: start it anew'
          : undefined;
  if (auth.mode !== 'builtin' || refusal !== undefined) return fail(context, refusal ?? '');
  try {
    await using opened = new AsyncDisposableStack();
    const driver = opened.adopt(await openDriver(loaded.config), (open) => open.close());
    await rotateKeys(driver, { now: Date.now(), expiration: auth.expiration, all: values.all ?? false });
    return 0;
  } catch (error) {
    const isStorage = error instanceof StorageUnavailableError || error instanceof StorageFullError;
    if (!isStorage) throw error;
    return fail(context, error.message);
  }
};

function fail({ stderr }: CommandContext, message: string): number {
  stderr.write(`fairlead: ${message}\n`);
  return 1;
}
