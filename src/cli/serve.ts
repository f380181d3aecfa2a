import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { printWarnings, readConfig } from './read-config.ts';

/** Runs the registry until it is told to stop. */
export const serve: Command = async (args, context) => {
  const { positionals } = parseArguments(args, { options: {}, most: 1 });
  const loaded = readConfig({ file: positionals[0] }, context);
  if (loaded === undefined) return 1;
  printWarnings(loaded, context);
  const { startServer } = await import('../server.ts');
  await using server = await startServer(loaded.config, {});
  await toldToStop();
  await server.close();
  return 0;
};

async function toldToStop(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  process.once('SIGTERM', stop).once('SIGINT', stop);
  await promise;
  process.off('SIGTERM', stop).off('SIGINT', stop);
}
