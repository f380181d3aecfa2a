import { run } from './cli/run.ts';
import { tellFailure } from './cli/tell-failure.ts';

async function main(): Promise<number> {
  try {
    return await run(process.argv.slice(2), process);
  } catch (error) {
    process.stderr.write(`fairlead: ${tellFailure(error)}\n`);
    return 1;
  }
}

// A second signal ends a server that still has connections: nothing that is left open may hold the process.
process.exit(await main());
