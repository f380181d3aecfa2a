import { afterAll, beforeAll } from 'vitest';
import { type Clients, clientsIn } from './clients.ts';
import { describeWith } from './describe-with.ts';
import { type RegistryServer, startRegistry } from './registry-server.ts';
import { makeScratch, type Scratch } from './scratch.ts';
import { storageKinds } from './storages.ts';
import type { Tool } from './tools.ts';

/** What the tests of a suite work with; its members may be used only while tests run. */
export interface InteropContext {
  readonly registry: RegistryServer;
  readonly clients: Clients;
  readonly scratch: Scratch;
  /** Kept until the suite ends, then disposed, the last first. */
  use<T extends AsyncDisposable>(resource: T): T;
}

/**
 * A suite of real clients against one server, run once for each storage. A server, the clients' homes and a
 * folder are made before its tests and go after them.
 */
export function interopSuite(
  title: string,
  tools: readonly Tool[],
  suite: (context: InteropContext) => void,
): void {
  for (const storage of storageKinds) {
    describeWith([...tools, ...storage.tools], `${title}, on ${storage.name}`, () => {
      const held = new AsyncDisposableStack();
      let made: Omit<InteropContext, 'use'> | undefined;
      const now = () => {
        if (made === undefined) throw new Error('only tests and hooks may use the context');
        return made;
      };
      beforeAll(async () => {
        const scratch = held.use(makeScratch());
        const { config } = held.use(await storage.start(scratch.path));
        const registry = held.use(await startRegistry({ directory: scratch.path, config }));
        made = { scratch, registry, clients: clientsIn(scratch.path) };
      });
      afterAll(() => held.disposeAsync());
      suite({
        get registry() {
          return now().registry;
        },
        get clients() {
          return now().clients;
        },
        get scratch() {
          return now().scratch;
        },
        use: (resource) => held.use(resource),
      });
    });
  }
}
