import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProgramOptions {
  /** The whole environment; default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Asked again and again until it answers true; what it throws counts as not yet. */
  readonly ready: (program: Program) => Promise<boolean> | boolean;
  /** Milliseconds until it must be ready; default 60 s. */
  readonly readyWithin?: number;
  /** Milliseconds between SIGTERM and SIGKILL in `stop`; default 15 s. */
  readonly stopWithin?: number;
}

/** A server or daemon under way. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** The end of what it wrote, up to about 1 MiB, standard output and error together. */
  output(): string;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL; resolves with the exit code, or the signal that ended it, when it is gone. */
  stop(): Promise<number | NodeJS.Signals>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** How it ended; pending while it runs. Its output is whole then. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

const keptOutput = 1 << 20;
/** Milliseconds. */
const LAST_WORDS = 1_000;

/**
 * Starts a program and waits until it is ready. It dies with this process, whatever ends that.
 * @throws Error with its output when it ends or is not ready in time
 */
export async function startProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<Program> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
    env: options.env ?? process.env,
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const program = toProgram(child, options.stopWithin ?? 15_000);
  const deadline = Date.now() + (options.readyWithin ?? 60_000);
  let over: number | NodeJS.Signals | undefined;
  program.ended.then((end) => {
    over = end;
  });
  while (!(await isReady(program, options.ready))) {
    if (over !== undefined) throw new Error(`${command} ended with ${over}:\n${program.output()}`);
    if (Date.now() > deadline) {
      await program.kill();
      throw new Error(`${command} was not ready in time:\n${program.output()}`);
    }
    await delay(20);
  }
  return program;
}

async function isReady(program: Program, ready: ProgramOptions['ready']): Promise<boolean> {
  try {
    return await ready(program);
  } catch {
    return false;
  }
}

function toProgram(child: ChildProcess, stopWithin: number): Program {
  const chunks: Buffer[] = [];
  let kept = 0;
  const keep = (chunk: Buffer) => {
    chunks.push(chunk);
    kept += chunk.length;
    while (kept > keptOutput) kept -= chunks.shift()?.length ?? 0;
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on('error', (cause) => {
      keep(Buffer.from(`${cause}\n`));
      resolve(-1);
    });
    child.on('exit', (code, signal) => {
      const end = code ?? signal ?? -1;
      // What it wrote last may still be on its way; whoever holds its output on is not waited for.
      const late = setTimeout(() => resolve(end), LAST_WORDS);
      child.on('close', () => {
        clearTimeout(late);
        resolve(end);
      });
    });
  });
  const gone = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const stop = async () => {
    if (!gone()) {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopWithin);
      await once(child, 'exit');
      clearTimeout(timer);
    }
    return ended;
  };
  return {
    pid: child.pid ?? -1,
    output: () => Buffer.concat(chunks).toString(),
    signal: (signal) => {
      child.kill(signal);
    },
    stop,
    kill,
    ended,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}
