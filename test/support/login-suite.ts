import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { type Clients, clientsIn } from './clients.ts';
import { describeWith } from './describe-with.ts';
import { type RegistryConfig, type RegistryServer, startRegistry } from './registry-server.ts';
import { type RunResult, run } from './run.ts';
import { makeScratch, type Scratch } from './scratch.ts';
import type { Tool } from './tools.ts';

/** Who may do what: alice and bob below their names, anybody pulls below `public`, root does everything. */
const ACCESS = [
  { group: 'admins', repository: '**', actions: ['*'] },
  { account: '*', repository: ['$', '{account}/**'].join(''), actions: ['pull', 'push', 'delete'] },
  { account: 'anonymous', repository: 'public/**', actions: ['pull'] },
];

/** What the tests of a suite work with; its members may be used only while tests run. */
export interface LoginContext {
  readonly registry: RegistryServer;
  readonly scratch: Scratch;
  /** Clients of somebody with a home of their own, so with logins of their own. */
  clientsOf(person: string): Clients;
  use<T extends AsyncDisposable>(resource: T): T;
}

const fairlead = fileURLToPath(new URL('../../bin/fairlead.js', import.meta.url));

export interface SetPassword {
  readonly command: 'add' | 'passwd';
  readonly name: string;
  readonly password: string;
}

/** `fairlead user add|passwd`, on the server's configuration. */
export function setPassword(registry: RegistryServer, options: SetPassword): Promise<RunResult> {
  const { command, name, password } = options;
  const args = [fairlead, 'user', command, name, '--config', registry.configFile];
  return run(process.execPath, args, { input: `${password}\n` });
}

/**
 * A suite of real clients against one server with the built-in login: alice, bob and root, whose passwords are
 * their names and `-secret`.
 */
export function loginSuite(
  title: string,
  tools: readonly Tool[],
  suite: (context: LoginContext) => void,
): void {
  describeWith(tools, title, () => {
    const held = new AsyncDisposableStack();
    let made: Pick<LoginContext, 'registry' | 'scratch'> | undefined;
    const now = () => {
      if (made === undefined) throw new Error('only tests and hooks may use the context');
      return made;
    };
    beforeAll(async () => {
      const scratch = held.use(makeScratch());
      const builtin = { users: scratch.at('users'), groups: { admins: ['root'] }, access: ACCESS };
      const config: RegistryConfig = { auth: { builtin } };
      const registry = held.use(await startRegistry({ kind: 'fairlead', directory: scratch.path, config }));
      for (const name of ['alice', 'bob', 'root']) {
        await setPassword(registry, { command: 'add', name, password: `${name}-secret` });
      }
      made = { scratch, registry };
    });
    afterAll(() => held.disposeAsync());
    suite({
      get registry() {
        return now().registry;
      },
      get scratch() {
        return now().scratch;
      },
      clientsOf: (person) => clientsIn(now().scratch.at(person)),
      use: (resource) => held.use(resource),
    });
  });
}
