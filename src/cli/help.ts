import type { CommandEntry } from './commands.ts';

/** What `fairlead --help` prints. */
export function helpText(commands: Readonly<Record<string, CommandEntry>>): string {
  const lines = Object.entries(commands).map(
    ([name, entry]) => [`fairlead ${name} ${entry.arguments}`, entry.summary] as const,
  );
  const width = Math.max(...lines.map(([usage]) => usage.length)) + 2;
  return [
    'An OCI registry and a pull-through mirror in one server.',
    '',
    ...lines.map(([usage, summary]) => `  ${usage.padEnd(width)}${summary}`),
    `  ${'fairlead --version'.padEnd(width)}print the version`,
    '',
    'CONFIG is a file in the format of distribution; left out: REGISTRY_CONFIGURATION_PATH, else',
    'config/default.yml, which explains every key. REGISTRY_* variables count over it.',
    '',
  ].join('\n');
}
