import type { Environment } from '../../src/config/environment.ts';
import { type ParsedConfig, parseConfig } from '../../src/config/parse-config.ts';
import { ConfigError, formatRemark } from '../../src/config/problems.ts';
import { parseYaml } from '../../src/config/yaml.ts';

/** What a configuration file's text and some variables mean. @throws ConfigError */
export function parse(yaml: string, environment: Environment = {}): ParsedConfig {
  return parseConfig(parseYaml(yaml), { environment });
}

/** The problems of a configuration, one line each; none where it is good. */
export function problemsOf(yaml: string, environment: Environment = {}): string[] {
  try {
    parse(yaml, environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatRemark);
    throw error;
  }
}

/** The warnings of a good configuration, one line each. */
export function warningsOf(yaml: string, environment: Environment = {}): string[] {
  return parse(yaml, environment).warnings.map(formatRemark);
}
