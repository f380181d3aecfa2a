import { type LoadedConfig, type LoadOptions, loadConfig } from '../config/load-config.ts';
import { ConfigError, formatRemark } from '../config/problems.ts';
import type { CommandContext } from './command.ts';

/**
 * The configuration for a command. Every problem is told to a person, and
 * the answer is then undefined.
 */
export function readConfig(options: LoadOptions, { stderr }: CommandContext): LoadedConfig | undefined {
  try {
    return loadConfig(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems } = error;
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    stderr.write(`fairlead: ${count} in the configuration:\n`);
    for (const problem of problems) stderr.write(`  ${formatRemark(problem)}\n`);
    return undefined;
  }
}

/** Tells a person what is strange in the configuration. */
export function printWarnings(loaded: LoadedConfig, { stderr }: CommandContext): void {
  for (const warning of loaded.warnings) stderr.write(`fairlead: warning: ${formatRemark(warning)}\n`);
}
