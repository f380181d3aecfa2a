import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clients, clientsIn } from '../support/clients.ts';
import { describeWith } from '../support/describe-with.ts';
import { CLASSIC_DOCKER, type Docker, startDockerClassic } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { type HttpClient, httpClient } from '../support/http-client.ts';
import { greetingFiles, writeLayer } from '../support/images.ts';
import { setPassword } from '../support/login-suite.ts';
import { type RoundRobin, startRoundRobin } from '../support/nginx.ts';
import { type RegistryServer, startRegistry } from '../support/registry-server.ts';
import { run } from '../support/run.ts';
import { S3_SERVERS } from '../support/s3-servers.ts';
import { makeScratch } from '../support/scratch.ts';
import { s3Storage } from '../support/storages.ts';

const fairlead = fileURLToPath(new URL('../../bin/fairlead.js', import.meta.url));

const programs = ['nginx', 'crane', 'busybox', ...CLASSIC_DOCKER] as const;

for (const [name, startS3] of S3_SERVERS) {
  describeWith([name, ...programs], `the built-in login of two servers over one bucket on ${name}`, () => {
    const held = new AsyncDisposableStack();
    let http: HttpClient;
    let registries: RegistryServer[];
    let front: RoundRobin;
    let folder: string;
    let clients: Clients;
    let docker: Docker;

    beforeAll(async () => {
      const scratch = held.use(makeScratch());
      folder = scratch.path;
      const s3 = held.use(await startS3(folder));
      http = held.use(httpClient());
      const config = {
        storage: { ...s3Storage(s3), redirect: { disable: true } },
        auth: { builtin: { users: scratch.at('users'), service: 'registry' } },
      };
      const start = async () =>
        held.use(await startRegistry({ kind: 'fairlead', directory: folder, config }));
      // At once: both find no key and make one.
      registries = await Promise.all([start(), start()]);
      const [one] = registries;
      if (one !== undefined) await setPassword(one, { command: 'add', name: 'alice', password: 'secret' });
      front = held.use(
        await startRoundRobin(
          folder,
          registries.map(({ host }) => host),
        ),
      );
      clients = clientsIn(folder);
      docker = held.use(await startDockerClassic({ folder }));
    });
    afterAll(() => held.disposeAsync());

    const authorization = `Basic ${Buffer.from('alice:secret').toString('base64')}`;

    const tokenOf = async ({ url }: RegistryServer): Promise<string> => {
      const query = 'service=registry&scope=repository:alice/app:pull,push';
      const { body } = await http.send(`${url}/auth/token?${query}`, { headers: { authorization } });
      return JSON.parse(body.toString()).token;
    };

    /** The id of the key that a token was signed with. */
    const keyOf = (token: string): string =>
      JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;

    const statusWith = async ({ url }: RegistryServer, token: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      return (await http.send(`${url}/v2/alice/app/tags/list`, { headers })).status;
    };

    /** A token of each, which all of them must take. */
    const expectAgreement = async (): Promise<string> => {
      const tokens = await Promise.all(registries.map(tokenOf));
      for (const token of tokens) {
        // There is no such repository yet, or there is: either way it may be asked for.
        for (const registry of registries) expect([200, 404]).toContain(await statusWith(registry, token));
      }
      expect(new Set(tokens.map(keyOf)).size).toBe(1);
      return tokens[0] ?? '';
    };

    test('servers that were started at once agree on a key, which lies in the bucket', async () => {
      await eventually('both know alice', {
        within: 10_000,
        holds: async () => (await Promise.all(registries.map(tokenOf))).every((token) => token !== undefined),
      });
      const token = await expectAgreement();
      const [one, two] = registries;
      // One that comes later finds it.
      await two?.stop();
      await two?.start();
      expect(keyOf(await expectAgreement())).toBe(keyOf(token));
      if (one !== undefined) expect([200, 404]).toContain(await statusWith(one, token));
    });

    test('docker and crane log in, push and pull through either', async () => {
      const image = `${front.host}/alice/app:v1`;
      const login = ['login', '-u', 'alice', '--password-stdin', front.host];
      expect((await docker.cli.with({ input: 'wrong' }).attempt(...login)).code).not.toBe(0);
      await docker.cli.with({ input: 'secret' })(...login);
      await docker.cli('import', await writeLayer(folder, 'app.tar', await greetingFiles('login')), image);
      await docker.cli('push', image);
      await docker.cli('rmi', image);
      await docker.cli('pull', image);
      await clients.crane('auth', 'login', front.host, '-u', 'alice', '-p', 'secret');
      await clients.crane('validate', '--remote', image);
      await clients.crane('copy', image, `${front.host}/alice/copy:v1`);
      const foreign = await docker.cli.attempt('pull', `${front.host}/bob/app:v1`);
      expect(foreign.output).toMatch(/denied|unauthorized|authorization/);
    });

    test('running servers follow a rotated key, and the tokens before it stay valid', async () => {
      const [one] = registries;
      if (one === undefined) throw new Error('no server');
      const before = await expectAgreement();
      await run(process.execPath, [fairlead, 'key', 'rotate', '--config', one.configFile]);
      await eventually('both sign with the new key', {
        within: 15_000,
        holds: async () =>
          (await Promise.all(registries.map(tokenOf))).every((token) => keyOf(token) !== keyOf(before)),
      });
      await expectAgreement();
      for (const registry of registries) expect(await statusWith(registry, before)).toBe(200);
      await docker.cli('pull', `${front.host}/alice/app:v1`);
    });
  });
}
