import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Environment } from './environment.ts';
import { type ParsedConfig, parseConfig } from './parse-config.ts';
import { ConfigError, type Remark } from './problems.ts';
import type { Tree } from './tree.ts';
import { parseYaml, YamlError } from './yaml.ts';

/** Set by the Dockerfile: distribution's places for files and data hold in the image only. */
const IMAGE_VARIABLE = 'FAIRLEAD_IMAGE';

/** Where registry:3 and registry:2 have their configuration. */
const IMAGE_FILES: readonly string[] = ['/etc/distribution/config.yml', '/etc/docker/registry/config.yml'];

/** The same for `src/` and for a build in `dist/`. */
const DEFAULT_FILE = fileURLToPath(new URL('../../config/default.yml', import.meta.url));

export interface LoadOptions {
  /** The first argument of a command, where there was one. */
  readonly file?: string | undefined;
  /** Default: that of the process. */
  readonly environment?: Environment;
  /** Default: where the images of distribution have theirs. */
  readonly imageFiles?: readonly string[];
}

export interface LoadedConfig extends ParsedConfig {
  /** Path of the file that was read. */
  readonly file: string;
}

/**
 * Reads the configuration: the file named, else `REGISTRY_CONFIGURATION_PATH`, else, in the image, where
 * distribution's images have theirs, else `config/default.yml`; then the environment over it.
 * @throws ConfigError with every problem, a file that cannot be read among them
 */
export function loadConfig(options: LoadOptions = {}): LoadedConfig {
  const { file, environment = process.env, imageFiles = IMAGE_FILES } = options;
  const image = /^(?:1|true)$/.test(environment[IMAGE_VARIABLE] ?? '');
  const named = file ?? (environment.REGISTRY_CONFIGURATION_PATH || undefined);
  const found = findFile(named, image ? imageFiles : []);
  const parsed = parseConfig(found.tree, { environment, image });
  return { ...parsed, warnings: [...found.warnings, ...parsed.warnings], file: found.path };
}

interface FoundFile {
  readonly path: string;
  readonly tree: Tree;
  readonly warnings: readonly Remark[];
}

function findFile(named: string | undefined, imageFiles: readonly string[]): FoundFile {
  const warnings: Remark[] = [];
  if (named !== undefined) {
    const tree = readTree(named);
    if (tree !== undefined) return { path: named, tree, warnings };
    // Command lines made for registry:2 and registry:3 name the file that those images bring along.
    if (!imageFiles.includes(named)) {
      throw new ConfigError([{ path: named, message: 'there is no such file' }]);
    }
    warnings.push({ path: named, message: 'there is no such file; looking on as if none were named' });
  }
  for (const path of imageFiles) {
    const tree = readTree(path);
    if (tree !== undefined) return { path, tree, warnings };
  }
  return { path: DEFAULT_FILE, tree: readTree(DEFAULT_FILE) ?? null, warnings };
}

/** Undefined where there is no such file. */
function readTree(path: string): Tree | undefined {
  try {
    return parseYaml(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof YamlError) {
      throw new ConfigError([{ path, message: `is not YAML: ${error.message}` }]);
    }
    if (!(error instanceof Error) || !('code' in error)) throw error;
    if (error.code === 'ENOENT') return undefined;
    throw new ConfigError([{ path, message: `cannot be read: ${error.message}` }]);
  }
}
