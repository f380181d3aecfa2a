import { inspect } from 'node:util';
import { run } from './cli/run.ts';

try {
  process.exitCode = await run(process.argv.slice(2), process);
} catch (error) {
  // What has a code (a port that is taken, a directory that may not be read) says what a person needs to know.
  const told = error instanceof Error && 'code' in error ? error.message : inspect(error);
  process.stderr.write(`fairlead: ${told}\n`);
  process.exitCode = 1;
}
