import { writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import type { Clients } from '../support/clients.ts';
import { pushGreeting } from '../support/images.ts';
import { loginSuite } from '../support/login-suite.ts';
import {
  type RegistryConfig,
  type RegistryKind,
  type RegistryServer,
  startRegistry,
} from '../support/registry-server.ts';

/** What another registry needs to take this server's tokens. */
const TRUST = {
  distribution: { endpoint: '/auth/jwks', file: 'jwks.json', key: 'jwks' },
  'docker-registry': { endpoint: '/auth/certificate', file: 'root.pem', key: 'rootcertbundle' },
  // By a certificate distribution 3 would not find the key: it has no ids of registry:2.
  fairlead: { endpoint: '/auth/certificate', file: 'root.pem', key: 'rootcertbundle' },
} as const satisfies Record<RegistryKind, object>;

for (const kind of ['distribution', 'docker-registry', 'fairlead'] as const) {
  loginSuite(
    `${kind} with tokens of this server`,
    [...(kind === 'fairlead' ? [] : [kind]), 'crane', 'busybox'],
    (context) => {
      let other: RegistryServer;
      let alice: Clients;

      beforeAll(async () => {
        const { registry, scratch } = context;
        const { endpoint, file, key } = TRUST[kind];
        const response = await fetch(`${registry.url}${endpoint}`);
        await writeFile(scratch.at(file), await response.text());
        const token = {
          // crane refuses a realm on another private address, but not by name.
          realm: `http://localhost:${registry.port}/auth/token`,
          service: 'other registry',
          issuer: 'fairlead',
          [key]: scratch.at(file),
        };
        const config: RegistryConfig = { auth: { token } };
        other = context.use(await startRegistry({ kind, directory: scratch.at('other'), config }));
        alice = context.clientsOf('alice');
        await alice.crane('auth', 'login', other.host, '-u', 'alice', '-p', 'alice-secret');
      });

      test('lets alice push and pull below her name, and nowhere else', async () => {
        const { scratch } = context;
        const reference = `${other.host}/alice/app:v1`;
        await pushGreeting(alice, { folder: scratch.path, reference, text: 'trusted' });
        await alice.crane('validate', '--remote', reference);
        await alice.crane('copy', reference, `${other.host}/alice/mounted:v1`);
        expect((await alice.crane.attempt('copy', reference, `${other.host}/bob/app:v1`)).code).not.toBe(0);
        const nobody = context.clientsOf('nobody');
        expect((await nobody.crane.attempt('manifest', reference)).code).not.toBe(0);
      });
    },
  );
}
