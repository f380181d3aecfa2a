import { parseArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { readConfig } from './read-config.ts';

/** Takes distribution's command line, and says that there is no collector yet. */
export const garbageCollect: Command = async (args, context) => {
  const { positionals } = parseArguments(args, {
    options: {
      'dry-run': { type: 'boolean', short: 'd' },
      'delete-untagged': { type: 'boolean', short: 'm' },
      quiet: { type: 'boolean', short: 'q' },
    },
    most: 1,
  });
  if (readConfig({ file: positionals[0] }, context) !== undefined) {
    context.stderr.write('fairlead: garbage collection is not built yet; nothing was removed\n');
  }
  return 1;
};
