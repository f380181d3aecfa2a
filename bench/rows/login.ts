import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { hashPassword } from '../../src/auth/bcrypt-hash.ts';
import { type HttpClient, httpClient } from '../../test/support/http-client.ts';
import { digestOf } from '../../test/support/registry-client.ts';
import { type RegistryKind, type RegistryServer, startRegistry } from '../../test/support/registry-server.ts';
import type { Measuring, Row } from '../row.ts';

const WRONG_AT_ONCE = 200;
const PULLERS = 4;

const basic = (password: string): string => `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`;

/** The same users file: this server with its tokens, the others with the login that they have built in. */
function loginOf(kind: RegistryKind, users: string): object {
  return kind === 'fairlead' ? { builtin: { users } } : { htpasswd: { realm: 'bench', path: users } };
}

interface Pulling {
  readonly http: HttpClient;
  readonly url: string;
  readonly authorization: string;
}

/** What one in a hundred is slower than: GETs of a blob of 4 KiB, in milliseconds, by who is logged in. */
function pullRow(name: string, { underAttack }: { readonly underAttack: boolean }): Row {
  return {
    name,
    unit: 'ms',
    better: 'less',
    measure: async ({ server: { kind }, scratch, round, seconds }: Measuring) => {
      const directory = scratch.at(`login-${kind}-${underAttack}-${round}`);
      const users = scratch.at(`users-${kind}-${underAttack}-${round}`);
      await writeFile(users, `alice:${await hashPassword('secret')}\n`);
      const config = { auth: loginOf(kind, users) };
      await using server = await startRegistry({ kind, directory, config });
      using http = httpClient();
      const pulling = await preparePull(http, server);
      const over = new AbortController();
      const attack = underAttack ? wrongPasswords(http, server, over.signal) : Promise.resolve();
      const times = await pullTimes(pulling, seconds);
      over.abort();
      await attack;
      return times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? Number.NaN;
    },
  };
}

async function preparePull(http: HttpClient, server: RegistryServer): Promise<Pulling> {
  const content = randomBytes(4096);
  const digest = digestOf(content);
  const base = `${server.url}/v2/alice/app/blobs`;
  const headers = { authorization: basic('secret') };
  const started = await http.send(`${base}/uploads/`, { method: 'POST', headers });
  const location = new URL(String(started.headers.location), server.url);
  location.searchParams.set('digest', digest);
  const pushed = await http.send(location, { method: 'PUT', headers, body: content });
  if (pushed.status !== 201) throw new Error(`${server.kind} answered a push with ${pushed.status}`);
  return { http, url: `${base}/${digest}`, authorization: await authorizationOf(http, server) };
}

async function authorizationOf(http: HttpClient, server: RegistryServer): Promise<string> {
  if (server.kind !== 'fairlead') return basic('secret');
  const query = new URLSearchParams({ service: server.host, scope: 'repository:alice/app:pull' });
  const headers = { authorization: basic('secret') };
  const { body } = await http.send(`${server.url}/auth/token?${query}`, { headers });
  return `Bearer ${JSON.parse(body.toString()).token}`;
}

async function pullTimes({ http, url, authorization }: Pulling, seconds: number): Promise<readonly number[]> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  const pull = async () => {
    while (performance.now() < end) {
      const started = performance.now();
      const answer = await http.send(url, { headers: { authorization } }).catch(givenUp);
      if (answer !== undefined && answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: PULLERS }, pull));
  return times;
}

/** A peer that compares 200 passwords at once may not answer for half a minute, which then is the time it took. */
function givenUp(error: Error): undefined {
  if (error.name !== 'AbortError' && !error.message.includes('no byte')) throw error;
}

/** The peers compare every one of them, which takes them longer than the measurement. */
async function wrongPasswords(http: HttpClient, server: RegistryServer, signal: AbortSignal): Promise<void> {
  const url = server.kind === 'fairlead' ? `${server.url}/auth/token` : `${server.url}/v2/`;
  const attempt = async (_: unknown, index: number) => {
    const headers = { authorization: basic(`wrong ${index}`) };
    const answer = await http.send(url, { headers, signal }).catch(givenUp);
    if (answer?.status === 200) throw new Error(`${url} took a wrong password`);
  };
  await Promise.all(Array.from({ length: WRONG_AT_ONCE }, attempt));
}

export const loginRows: readonly Row[] = [
  pullRow('99th percentile of a pull with a login', { underAttack: false }),
  pullRow(`the same while ${WRONG_AT_ONCE} wrong passwords come at once`, { underAttack: true }),
];
