import { inspect } from 'node:util';
import { reasonOf } from '../operations/error-description.ts';

/** Errors that only a mistake in the program makes, unless they have a code: their stack tells something. */
const MISTAKES = [TypeError, ReferenceError, RangeError, SyntaxError, EvalError];

/**
 * What a person is told of an error that ended a command: its message and those of its causes (a port that is
 * taken, a directory that may not be written), in one line.
 */
export function tellFailure(error: unknown): string {
  for (let cause = error; cause !== undefined; ) {
    if (!(cause instanceof Error) || isMistake(cause)) return inspect(error);
    cause = cause.cause;
  }
  return reasonOf(error).replace(/\s+/g, ' ').trim();
}

function isMistake(error: Error): boolean {
  return !('code' in error) && MISTAKES.some((kind) => error instanceof kind);
}
