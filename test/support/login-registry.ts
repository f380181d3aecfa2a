import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import type { AccessRule } from '../../src/auth/access-rules.ts';
import { hashPassword } from '../../src/auth/bcrypt-hash.ts';
import { type BuiltinAuthOptions, openBuiltinAuth } from '../../src/auth/builtin-auth.ts';
import { hostedNames } from '../../src/auth/name-resolver.ts';
import { createInMemoryDriver } from '../../src/storage/inmemory/inmemory-driver.ts';
import { type CollectedLog, collectLog } from './collected-log.ts';
import { createTestRegistry, type TestRegistry } from './test-registry.ts';

/** The host that requests ask: the token service's name too. */
export const HOST = 'registry.example';

const OWN = ['$', '{account}/**'].join('');

/** The rules that the configuration has by itself, with one upstream. */
export const DEFAULT_RULES: readonly AccessRule[] = [
  { who: { group: 'admins' }, repository: '**', actions: ['*'] },
  { who: { account: '*' }, repository: OWN, actions: ['pull', 'push', 'delete'] },
  { who: { account: 'anonymous' }, repository: 'docker.io/**', actions: ['pull'] },
];

export interface LoginRegistry extends AsyncDisposable {
  readonly registry: TestRegistry;
  readonly clock: { now: number };
  readonly log: CollectedLog;
  readonly audit: CollectedLog;
  /** Path of the users file. */
  readonly users: string;
  get(path: string, authorization?: string): request.Test;
  post(path: string, authorization?: string): request.Test;
  /** Asks the token endpoint and gives back what goes into `Authorization`. */
  bearer(scopes: readonly string[], user?: readonly [string, string]): Promise<string>;
}

export function basic(account: string, password: string): string {
  return `Basic ${Buffer.from(`${account}:${password}`).toString('base64')}`;
}

/** A line of the users file, cheap to compare. */
export async function userLine(name: string, password: string): Promise<string> {
  return `${name}:${await hashPassword(password, 4)}\n`;
}

/** The application with the built-in login: alice, bob and root, whose passwords are their names and `-secret`. */
export async function createLoginRegistry(options: Partial<BuiltinAuthOptions> = {}): Promise<LoginRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'fairlead-login-'));
  const users = join(folder, 'users');
  const lines = ['alice', 'bob', 'root'].map((name) => userLine(name, `${name}-secret`));
  await writeFile(users, (await Promise.all(lines)).join(''));
  const driver = createInMemoryDriver();
  const clock = { now: Date.now() };
  const log = collectLog();
  const audit = collectLog();
  const builtin = await openBuiltinAuth({
    users,
    realm: undefined,
    service: undefined,
    issuer: 'fairlead',
    keys: [],
    expiration: 300_000,
    throttle: { account: 5, address: 20, window: 60_000 },
    groups: { admins: ['root'] },
    access: DEFAULT_RULES,
    upstreamNames: ['docker.io'],
    names: hostedNames,
    storage: driver,
    comparisons: 2,
    log,
    auditLog: audit,
    now: () => clock.now,
    ...options,
  });
  const registry = createTestRegistry({
    driver,
    authorizer: builtin.authorizer,
    extensions: [builtin.routes((ctx) => ctx.state.caller)],
  });
  const send = (method: 'get' | 'post', path: string, authorization?: string): request.Test => {
    const sent = request(registry.app)[method](path).set('Host', HOST);
    return authorization === undefined ? sent : sent.set('Authorization', authorization);
  };
  const get = (path: string, authorization?: string) => send('get', path, authorization);
  return {
    registry,
    clock,
    log,
    audit,
    users,
    get,
    post: (path, authorization) => send('post', path, authorization),
    async bearer(scopes, user) {
      const query = new URLSearchParams({ service: HOST });
      for (const scope of scopes) query.append('scope', scope);
      const answer = await get(`/auth/token?${query}`, user && basic(...user)).expect(200);
      return `Bearer ${answer.body.token}`;
    },
    async [Symbol.asyncDispose]() {
      builtin[Symbol.dispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
