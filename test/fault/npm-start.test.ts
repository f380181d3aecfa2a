import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startProgram } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

test('npm start that is told to end takes the server with it', async () => {
  await using scratch = makeScratch();
  const host = `127.0.0.1:${await freePort()}`;
  await using program = await startProgram('npm', ['start'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: {
      ...process.env,
      REGISTRY_HTTP_ADDR: host,
      REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: scratch.at('data'),
    },
    ready: async () => (await fetch(`http://${host}/v2/`)).ok,
  });
  await program.stop();
  await expect(fetch(`http://${host}/v2/`)).rejects.toThrow();
});
