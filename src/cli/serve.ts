import { openLogOutput } from '../operations/log-output.ts';
import { createLogs } from '../operations/logger.ts';
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
  const { level, formatter, fields } = loaded.config.log;
  const output = openLogOutput();
  await using server = await startServer(
    loaded.config,
    createLogs({ level, formatter, fields, destination: output }),
  );
  await toldToStop();
  await server.close();
  output.flushSync();
  return 0;
};

async function toldToStop(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  process.once('SIGTERM', stop).once('SIGINT', stop);
  await promise;
  process.off('SIGTERM', stop).off('SIGINT', stop);
}
