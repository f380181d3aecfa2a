import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientsIn } from '../support/clients.ts';
import { describeWith } from '../support/describe-with.ts';
import { pushGreeting } from '../support/images.ts';
import { type RegistryServer, startRegistry } from '../support/registry-server.ts';
import { run } from '../support/run.ts';
import { makeScratch } from '../support/scratch.ts';
import { toolPath } from '../support/tools.ts';

describeWith(['htpasswd', 'crane', 'skopeo', 'regctl', 'busybox'], 'auth.htpasswd', () => {
  const held = new AsyncDisposableStack();
  const scratch = held.use(makeScratch());
  let registry: RegistryServer;

  const start = async (directory: string, path: string): Promise<RegistryServer> => {
    const config = { auth: { htpasswd: { realm: 'registry', path } } };
    return held.use(await startRegistry({ directory, config }));
  };

  beforeAll(async () => {
    const { stdout } = await run(toolPath('htpasswd'), ['-Bbn', 'alice', 'alice-secret']);
    await writeFile(scratch.at('htpasswd'), stdout);
    registry = await start(scratch.path, scratch.at('htpasswd'));
  });
  afterAll(() => held.disposeAsync());

  test('lets clients push and pull with a file that htpasswd wrote', async () => {
    const { crane, skopeo } = clientsIn(scratch.at('alice'));
    await crane('auth', 'login', registry.host, '-u', 'alice', '-p', 'alice-secret');
    const reference = `${registry.host}/any/app:v1`;
    await pushGreeting(clientsIn(scratch.at('alice')), { folder: scratch.path, reference, text: 'basic' });
    await crane('validate', '--remote', reference);
    const inspect = (creds: string) =>
      skopeo.attempt('inspect', '--creds', creds, '--tls-verify=false', `docker://${reference}`);
    expect((await inspect('alice:alice-secret')).code).toBe(0);
    expect((await inspect('alice:wrong')).output).toMatch(/unauthorized|invalid username/i);
    const nobody = clientsIn(scratch.at('nobody'));
    expect((await nobody.crane.attempt('manifest', reference)).code).not.toBe(0);
  });

  test('starts without a file, with a user whose password it logs', async () => {
    const fresh = await start(scratch.at('fresh'), scratch.at('fresh', 'auth', 'htpasswd'));
    const logged = () => /assword"?[=:]"?([A-Za-z0-9_-]{43})/.exec(fresh.output())?.[1] ?? '';
    // What the server wrote before it listened may reach this process after that.
    await expect.poll(logged).toHaveLength(43);
    const password = logged();
    const authorization = `Basic ${Buffer.from(`docker:${password}`).toString('base64')}`;
    expect((await fetch(`${fresh.url}/v2/`, { headers: { authorization } })).status).toBe(200);
  });
});
