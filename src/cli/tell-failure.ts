import { inspect } from 'node:util';

/** Errors that only a mistake in the program makes, unless they have a code: their stack tells something. */
const MISTAKES = [TypeError, ReferenceError, RangeError, SyntaxError, EvalError];

/**
 * What a person is told of an error that ended a command: its message and those of its causes (a port that is
 * taken, a directory that may not be written), each said once, in one line.
 */
export function tellFailure(error: unknown): string {
  const messages: string[] = [];
  for (let cause = error; cause !== undefined; ) {
    if (!(cause instanceof Error) || isMistake(cause)) return inspect(error);
    const message = cause.message.replace(/\s+/g, ' ').trim();
    if (!messages.some((told) => told.includes(message))) messages.push(message);
    cause = cause.cause;
  }
  return messages.length === 0 ? inspect(error) : messages.join(': ');
}

function isMistake(error: Error): boolean {
  return !('code' in error) && MISTAKES.some((kind) => error instanceof kind);
}
