import { once } from 'node:events';
import { unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import type { ListenTarget } from './listen-address.ts';

/** Connections that wait to be accepted; the kernel caps it (net.core.somaxconn). */
const BACKLOG = 4096;

async function listenOnce(server: Server, target: ListenTarget): Promise<void> {
  server.listen({ ...target, backlog: BACKLOG });
  await once(server, 'listening');
}

/** Whether anybody still answers behind a socket's path. */
async function isServed(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

/**
 * Fulfilled when the server listens. A Unix socket that a killed server left behind is replaced.
 * @throws Error of `net.Server`: EADDRINUSE, EACCES, EADDRNOTAVAIL
 */
export async function listenOn(server: Server, target: ListenTarget): Promise<void> {
  try {
    await listenOnce(server, target);
  } catch (error) {
    if (!('path' in target) || !isAddressInUse(error) || (await isServed(target.path))) throw error;
    await unlink(target.path);
    await listenOnce(server, target);
  }
}
