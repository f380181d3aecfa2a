import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { openLogOutput } from '../operations/log-output.ts';
import { createLogs } from '../operations/logs.ts';
import { stopOnSignals } from '../operations/signals.ts';
import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { readConfig } from './read-config.ts';

/** Runs the registry until a signal ends it. */
export const serve: Command = async (args, context) => {
  const { positionals } = parseArguments(args, { options: {}, most: 1 });
  const loaded = readConfig({ file: positionals[0] }, context);
  if (loaded === undefined) return 1;
  const { level, formatter, fields } = loaded.config.log;
  const output = openLogOutput();
  // Whatever ends the process, an error that nobody caught too.
  process.once('exit', () => output.flushSync());
  const logs = createLogs({ level, formatter, fields, destination: output });
  for (const { path, message } of loaded.warnings) {
    logs.logger.warn({ key: path, warning: message }, 'strange in the configuration');
  }
  const { promise: ended, resolve: exit } = Promise.withResolvers<number>();
  const starting = import('../server.ts').then(({ startServer }) => startServer(loaded.config, logs));
  // From the first moment on: what comes while the server starts is answered as soon as it runs.
  const stop = async (signal: string): Promise<void> => {
    const server = await starting;
    logs.logger.info({ signal }, 'stopping');
    logs.logger.info({ cut: await server.close() }, 'stopped');
  };
  stopOnSignals(process, { stop, exit });
  await starting;
  // The young generation stays as large as it is now: grown further, it took 90 MB and made nothing faster.
  setFlagsFromString('--semi-space-growth-factor=1');
  // Now, since a process that is killed writes nothing.
  flushCompileCache();
  return await ended;
};
