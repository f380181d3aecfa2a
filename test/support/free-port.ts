import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below what the system gives to outgoing connections and to servers that ask for any port, on any common setting. */
const LOWEST = 15_000;
const HIGHEST = 32_000;

const given = new Set<number>();

/**
 * A TCP port of the loopback that was free a moment ago, for programs that cannot say which they took, and for
 * servers that come back where they were. The system gives it to nobody meanwhile, and this process not twice.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES'))
      return false;
    throw error;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
