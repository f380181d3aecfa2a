import type { Readable, Writable } from 'node:stream';

/** What a command may touch of the process. */
export interface CommandContext {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/**
 * Runs one command with the arguments behind its name.
 * @returns the exit code: 0 when all is done, 1 when it could not be
 * @throws UsageError when the arguments make no sense
 */
export type Command = (args: readonly string[], context: CommandContext) => Promise<number>;

/** The command line makes no sense; the message says why, and exit code 2 follows. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
