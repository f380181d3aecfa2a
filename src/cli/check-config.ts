import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { printWarnings, readConfig } from './read-config.ts';

/** Prints the configuration in force as YAML, secrets hidden, or every error in it. */
export const checkConfig: Command = async (args, context) => {
  const { positionals } = parseArguments(args, { options: {}, most: 1 });
  const loaded = readConfig({ file: positionals[0] }, context);
  if (loaded === undefined) return 1;
  printWarnings(loaded, context);
  context.stdout.write(`# ${loaded.file}\n${loaded.effective()}`);
  return 0;
};
