import { type LoadedConfig, type LoadOptions, loadConfig } from '../config/load-config.ts';
import { ConfigError, formatRemark } from '../config/problems.ts';
import type { CommandContext } from './command.ts';

/** The configuration for a command. Every problem is told to a person, and the answer is then undefined. */
export function readConfig(options: LoadOptions, context: CommandContext): LoadedConfig | undefined {
  try {
    return loadConfig(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    printWarnings(error, context);
    const { stderr } = context;
    const { problems } = error;
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    stderr.write(`fairlead: ${count} in the configuration:\n`);
    for (const problem of problems) stderr.write(`  ${formatRemark(problem)}\n`);
    return undefined;
  }
}

/** Tells a person what is strange in the configuration. */
export function printWarnings(
  { warnings }: Pick<LoadedConfig, 'warnings'>,
  { stderr }: CommandContext,
): void {
  for (const warning of warnings) stderr.write(`fairlead: warning: ${formatRemark(warning)}\n`);
}
