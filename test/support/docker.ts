import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, client, homeIn } from './client.ts';
import { type Program, startProgram } from './program.ts';
import { run } from './run.ts';
import { goFirstPath, systemPath, toolPath } from './tools.ts';

/** What the daemons need, each with what it runs and what talks to it. */
export const CLASSIC_DOCKER = ['dockerd-classic', 'containerd-classic', 'docker', 'ctr', 'root'] as const;
export const DOCKER_ENGINE = ['dockerd-engine', 'containerd', 'docker', 'ctr', 'root'] as const;

/** A docker daemon with its own containerd, and a command line that talks to it. */
export interface Docker extends AsyncDisposable {
  readonly cli: Client;
  /** What the daemon wrote. */
  output(): string;
}

export interface DockerOptions {
  /** A folder for everything of it; its path must be short, since sockets lie in it. */
  readonly folder: string;
  /** URLs for `registry-mirrors`, in order. */
  readonly mirrors?: readonly string[];
  /** A `daemon.json`. */
  readonly daemonJson?: string;
  /** Of the daemon, beside what every one has. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Docker 20.10 as Debian packs it, with the graph driver store. It builds and runs containers. Needs root. */
export async function startDockerClassic(options: DockerOptions): Promise<Docker> {
  return startDocker(options, {
    folder: join(options.folder, 'classic'),
    // With the programs of `go install` in front it would take their shim, with which it cannot run containers.
    env: { PATH: systemPath },
    containerd: toolPath('containerd-classic'),
    dockerd: toolPath('dockerd-classic'),
    storage: ['--storage-driver', 'overlay2'],
  });
}

/** Docker Engine 29, with the containerd image store. It pulls, pushes and builds. Needs root. */
export async function startDockerEngine(options: DockerOptions): Promise<Docker> {
  return startDocker(options, {
    folder: join(options.folder, 'engine'),
    // The command line may be as old as 20.10.
    env: { PATH: goFirstPath, DOCKER_MIN_API_VERSION: '1.40' },
    containerd: toolPath('containerd'),
    dockerd: toolPath('dockerd-engine'),
    storage: [],
  });
}

interface Daemon {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly containerd: string;
  readonly dockerd: string;
  readonly storage: readonly string[];
}

async function startDocker(options: DockerOptions, daemon: Daemon): Promise<Docker> {
  const home = homeIn(daemon.folder);
  const env = { ...home, ...daemon.env };
  await using held = new AsyncDisposableStack();
  const containerd = held.use(await startContainerd(daemon.containerd, { folder: daemon.folder, env }));
  const at = (name: string) => join(daemon.folder, name);
  const socket = `unix://${at('docker.sock')}`;
  const mirrors = (options.mirrors ?? []).flatMap((url) => ['--registry-mirror', url]);
  // Its own in any case: that of the machine is not to have a say.
  writeFileSync(at('daemon.json'), options.daemonJson ?? '{}');
  const network = [
    '--config-file',
    at('daemon.json'),
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
  ];
  const folders = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('docker.pid')];
  const cli = client('docker', { env: home, first: ['--host', socket] });
  const dockerd = held.use(
    await startProgram(
      daemon.dockerd,
      [
        '--containerd',
        containerd.socket,
        '--host',
        socket,
        ...folders,
        ...network,
        ...daemon.storage,
        ...mirrors,
      ],
      { env: { ...env, ...options.env }, ready: async () => (await cli.attempt('version')).code === 0 },
    ),
  );
  const all = held.move();
  return {
    cli,
    output: () => dockerd.output(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** A containerd of its own. Its socket is `socket`, a path. */
export interface Containerd extends Program {
  readonly socket: string;
}

export interface ContainerdOptions {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Starts this program as a containerd. Needs root. */
export async function startContainerd(command: string, options: ContainerdOptions): Promise<Containerd> {
  const at = (name: string) => join(options.folder, name);
  const socket = at('containerd.sock');
  const folders = ['--root', at('containerd'), '--state', at('containerd-state'), '--address', socket];
  const program = await startProgram(command, folders, {
    env: options.env,
    ready: async () => {
      await run(toolPath('ctr'), ['--address', socket, 'version'], { timeout: 5000 });
      return true;
    },
  });
  return Object.assign(program, { socket });
}
