import { type CommandContext, UsageError } from './command.ts';
import { COMMANDS } from './commands.ts';
import { helpText } from './help.ts';

/**
 * Runs a command line, without the program's name, and gives the exit code. Command lines made for the images of
 * distribution work: `registry serve FILE`, a FILE alone, `garbage-collect -d -m FILE`.
 */
export async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const [first, ...rest] = withoutRegistry(args);
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    context.stdout.write(helpText(COMMANDS));
    return 0;
  }
  if (first === '--version' || first === '-v' || first === 'version') {
    const { readVersion } = await import('./version.ts');
    context.stdout.write(`fairlead ${readVersion()}\n`);
    return 0;
  }
  if (/\.ya?ml$/.test(first)) return run(['serve', first, ...rest], context);
  const entry = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  if (entry === undefined) {
    context.stderr.write(`fairlead: unknown command ${JSON.stringify(first)}\n\n${helpText(COMMANDS)}`);
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    context.stdout.write(`fairlead ${first} ${entry.arguments}\n${entry.summary}\n`);
    return 0;
  }
  try {
    const command = await entry.load();
    return await command(rest, context);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    context.stderr.write(`fairlead: ${error.message}\nfairlead ${first} ${entry.arguments}\n`);
    return 2;
  }
}

function withoutRegistry(args: readonly string[]): readonly string[] {
  return args[0] === 'registry' || args[0] === '/bin/registry' ? args.slice(1) : args;
}
