import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { type Program, startProgram } from './program.ts';
import { type RunResult, run } from './run.ts';
import { toolPath } from './tools.ts';

/** Whose registry: this product, distribution 3, or distribution 2.8 as Debian packs it. */
export type RegistryKind = 'fairlead' | 'distribution' | 'docker-registry';

/** A configuration as in `config.yml`. */
export type RegistryConfig = Readonly<Record<string, unknown>>;

export interface RegistryOptions {
  /** Whose; default: the server under test. */
  readonly kind?: RegistryKind;
  /** A folder for the configuration and, where `config` names no storage, the content. */
  readonly directory: string;
  /** Top-level keys that replace the defaults: a directory, deletes enabled, quiet. */
  readonly config?: RegistryConfig;
  /** Default: a free one. */
  readonly port?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** A registry as a process of its own, on the loopback. */
export interface RegistryServer extends AsyncDisposable {
  readonly kind: RegistryKind;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly url: string;
  readonly port: number;
  /** Path of its `config.yml`. */
  readonly configFile: string;
  /** What its directory driver writes to, unless the configuration says otherwise. */
  readonly root: string;
  /** Of the last start. */
  readonly pid: number;
  /** How the last start ended; pending while it runs. */
  readonly ended: Promise<number | NodeJS.Signals>;
  output(): string;
  stop(): Promise<number | NodeJS.Signals>;
  /** SIGKILL */
  kill(): Promise<void>;
  /** Starts it again on the same port; it must have ended. */
  start(): Promise<void>;
  /** A command of its program that is given the configuration: `command('garbage-collect', '-m')`. */
  command(name: string, ...flags: string[]): Promise<RunResult>;
}

/**
 * What the suites test: this product, unless SERVER_UNDER_TEST names one of the others, which tells what of a
 * suite is everybody's behaviour and what is ours.
 */
export function serverUnderTest(): RegistryKind {
  const kind = process.env.SERVER_UNDER_TEST ?? 'fairlead';
  if (kind === 'fairlead' || kind === 'distribution' || kind === 'docker-registry') return kind;
  throw new Error(`SERVER_UNDER_TEST=${kind}: neither fairlead nor distribution nor docker-registry`);
}

export async function startRegistry(options: RegistryOptions): Promise<RegistryServer> {
  const kind = options.kind ?? serverUnderTest();
  const port = options.port ?? (await freePort());
  const host = `127.0.0.1:${port}`;
  const root = join(options.directory, 'storage');
  const configFile = join(options.directory, `config-${port}.yml`);
  await mkdir(root, { recursive: true });
  // JSON is YAML.
  await writeFile(configFile, JSON.stringify({ ...defaults(root, host), ...options.config }));
  const env = { ...withoutConfiguration(process.env), OTEL_TRACES_EXPORTER: 'none', ...options.env };
  const [command, ...before] = commandLine(kind);
  const launch = () =>
    startProgram(command, [...before, 'serve', configFile], {
      env,
      cwd: options.directory,
      ready: () => answers(host),
    });
  let program: Program = await launch();
  return {
    kind,
    host,
    port,
    root,
    configFile,
    url: `http://${host}`,
    get pid() {
      return program.pid;
    },
    get ended() {
      return program.ended;
    },
    output: () => program.output(),
    stop: () => program.stop(),
    kill: () => program.kill(),
    start: async () => {
      program = await launch();
    },
    command: (name, ...flags) =>
      run(command, [...before, name, ...flags, configFile], { env, cwd: options.directory }),
    [Symbol.asyncDispose]: async () => {
      await program.stop();
    },
  };
}

function defaults(root: string, host: string): RegistryConfig {
  return {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: root }, delete: { enabled: true } },
    // Distribution signs its sessions; those of one server are to be taken by the next.
    http: { addr: host, secret: 'for tests' },
  };
}

function commandLine(kind: RegistryKind): [string, ...string[]] {
  return kind === 'fairlead' ? fairleadCommand() : [toolPath(kind)];
}

/** How this product's program is run. */
export function fairleadCommand(): [string, string] {
  return [process.execPath, fileURLToPath(new URL('../../bin/fairlead.js', import.meta.url))];
}

async function answers(host: string): Promise<boolean> {
  const response = await fetch(`http://${host}/v2/`, { signal: AbortSignal.timeout(1000) });
  await response.body?.cancel();
  return response.status === 200 || response.status === 401;
}

/** What the machine's environment says about a registry is not meant for the one under test. */
function withoutConfiguration(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('REGISTRY_')));
}
