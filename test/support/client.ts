import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, type RunOptions, type RunResult, run } from './run.ts';
import { goFirstPath, type Tool, toolPath } from './tools.ts';

/** Runs a client with these arguments. @throws Error with its output when it fails */
export interface Client {
  (...args: string[]): Promise<RunResult>;
  /** As the call, for what may fail. */
  attempt(...args: string[]): Promise<RunResult>;
  /** The same client with other options. */
  with(options: RunOptions): Client;
}

/** The environment of one person with a home of their own: no login, cache or configuration of anybody else. */
export function homeIn(folder: string): NodeJS.ProcessEnv {
  const home = join(folder, 'home');
  const inHome = (name: string) => {
    const path = join(home, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  };
  return {
    PATH: goFirstPath,
    HOME: inHome('.'),
    TMPDIR: inHome('tmp'),
    DOCKER_CONFIG: inHome('docker'),
    XDG_RUNTIME_DIR: inHome('run'),
    XDG_CONFIG_HOME: inHome('config'),
    XDG_DATA_HOME: inHome('data'),
    XDG_CACHE_HOME: inHome('cache'),
    LC_ALL: 'C.UTF-8',
  };
}

/** A client whose first arguments are always the same. */
export function client(tool: Tool, options: RunOptions & { readonly first?: readonly string[] }): Client {
  const { first = [], ...rest } = options;
  const call = (...args: string[]) => run(toolPath(tool), [...first, ...args], rest);
  return Object.assign(call, {
    attempt: (...args: string[]) => attempt(toolPath(tool), [...first, ...args], rest),
    with: (more: RunOptions) => client(tool, { ...options, ...more }),
  });
}
