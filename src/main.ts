import { inspect } from 'node:util';
import { run } from './cli/run.ts';

async function main(): Promise<number> {
  try {
    return await run(process.argv.slice(2), process);
  } catch (error) {
    // What has a code (a port that is taken, a directory that may not be read) says what a person needs to know.
    const told = error instanceof Error && 'code' in error ? error.message : inspect(error);
    process.stderr.write(`fairlead: ${told}\n`);
    return 1;
  }
}

// A second signal ends a server that still has connections: nothing that is left open may hold the process.
process.exit(await main());
