import { expect, test } from 'vitest';
import { clientsIn } from '../support/clients.ts';
import { describeWith } from '../support/describe-with.ts';
import { pushGreeting } from '../support/images.ts';
import { type RegistryKind, type RegistryServer, startRegistry } from '../support/registry-server.ts';
import { makeScratch } from '../support/scratch.ts';

/** A registry of the kind that mirrors `upstream` by distribution's `proxy:`, on a directory of its own or a given one. */
function startProxy(
  kind: RegistryKind,
  { upstream, directory, root }: { upstream: RegistryServer; directory: string; root: string },
): Promise<RegistryServer> {
  const config = {
    storage: { filesystem: { rootdirectory: root } },
    proxy: { remoteurl: upstream.url },
  };
  return startRegistry({ kind, directory, config });
}

describeWith(['distribution', 'crane', 'busybox'], "distribution's proxy block", () => {
  test('mirrors one upstream under bare names, refuses pushes, and serves on without it', async () => {
    await using scratch = makeScratch();
    const clients = clientsIn(scratch.path);
    await using upstream = await startRegistry({ kind: 'distribution', directory: scratch.at('upstream') });
    const reference = `${upstream.host}/team/app:v1`;
    const digest = await pushGreeting(clients, { folder: scratch.path, reference, text: 'proxied' });
    await using proxy = await startProxy('fairlead', {
      upstream,
      directory: scratch.at('proxy'),
      root: scratch.at('filled'),
    });
    const proxied = `${proxy.host}/team/app:v1`;
    await clients.crane('validate', '--remote', proxied);
    const push = await clients.crane.attempt('copy', reference, `${proxy.host}/team/other:v1`);
    expect(push.code).not.toBe(0);
    expect(push.output).toContain('UNSUPPORTED');
    await upstream.stop();
    await clients.crane('validate', '--remote', proxied);
    expect((await clients.crane('digest', proxied)).stdout.trim()).toBe(digest);
  });

  test("goes on with what distribution's proxy stored, and distribution serves what this one stored", async () => {
    await using scratch = makeScratch();
    const clients = clientsIn(scratch.path);
    await using upstream = await startRegistry({ kind: 'distribution', directory: scratch.at('upstream') });
    const push = (name: string) =>
      pushGreeting(clients, { folder: scratch.path, reference: `${upstream.host}/${name}`, text: name });
    await push('team/first:v1');
    await push('team/second:v1');
    const root = scratch.at('filled');
    await using theirs = await startProxy('distribution', {
      upstream,
      directory: scratch.at('theirs'),
      root,
    });
    await clients.crane('validate', '--remote', `${theirs.host}/team/first:v1`);
    await theirs.stop();
    await using ours = await startProxy('fairlead', { upstream, directory: scratch.at('ours'), root });
    await clients.crane('validate', '--remote', `${ours.host}/team/second:v1`);
    await upstream.stop();
    for (const name of ['first', 'second']) {
      await clients.crane('validate', '--remote', `${ours.host}/team/${name}:v1`);
    }
    await ours.stop();
    await using plain = await startRegistry({
      kind: 'distribution',
      directory: scratch.at('plain'),
      config: { storage: { filesystem: { rootdirectory: root } } },
    });
    for (const name of ['first', 'second']) {
      await clients.crane('validate', '--remote', `${plain.host}/team/${name}:v1`);
    }
  });
});
