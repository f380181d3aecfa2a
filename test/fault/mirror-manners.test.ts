import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { disposing } from '../support/disposing.ts';
import { freePort } from '../support/free-port.ts';
import { fairleadCommand, type RegistryServer, startRegistry } from '../support/registry-server.ts';
import { attempt } from '../support/run.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { type FaultUpstream, pull, startFaultMirror } from '../support/upstream/fault-mirror.ts';
import { answer, silence } from '../support/upstream/faults.ts';
import { ScriptedUpstream } from '../support/upstream/scripted-upstream.ts';

const USER = { name: 'puller', password: 'a-secret' };
const hold = disposing();

const tag = ({ url }: RegistryServer, upstream: string, name = 'v1') =>
  pull(url, `/v2/${upstream}/team/app/manifests/${name}`);

test('a scrape of the metrics shows the limit that each upstream has left', async () => {
  const scratch = hold(makeScratch());
  const [one, two] = [hold(await ScriptedUpstream.start()), hold(await ScriptedUpstream.start())];
  for (const [upstream, left] of [
    [one, 76],
    [two, 3],
  ] as const) {
    upstream.addImage('team/app', 'v1', []);
    upstream.on(/manifests/, ({ res }, next) => {
      res.setHeader('ratelimit-limit', '100;w=21600');
      res.setHeader('ratelimit-remaining', `${left};w=21600`);
      next();
    });
  }
  const debug = `127.0.0.1:${await freePort()}`;
  const addr = `127.0.0.1:${await freePort()}`;
  const mirror = hold(
    await startFaultMirror({
      directory: scratch.path,
      port: Number(addr.split(':')[1]),
      upstreams: [
        { name: 'one.example', urls: [one.url] },
        { name: 'two.example', urls: [two.url] },
      ],
      config: { http: { addr, debug: { addr: debug, prometheus: { enabled: true } } } },
    }),
  );
  for (const name of ['one.example', 'two.example']) expect((await tag(mirror, name)).status).toBe(200);
  const scraped = await (await fetch(`http://${debug}/metrics`)).text();
  const at = (name: string, { host }: ScriptedUpstream) => `{upstream="${name}",url="${host}"}`;
  expect(scraped).toContain(`fairlead_upstream_ratelimit_remaining${at('one.example', one)} 76`);
  expect(scraped).toContain(`fairlead_upstream_ratelimit_remaining${at('two.example', two)} 3`);
  expect(scraped).toContain(`fairlead_upstream_ratelimit_limit${at('one.example', one)} 100`);
  expect(scraped).toContain(`fairlead_upstream_ratelimit_window_seconds${at('one.example', one)} 21600`);
});

test('a tag that moves upstream is seen after its time and not before, by one HEAD each time', async () => {
  const scratch = hold(makeScratch());
  const upstream = hold(await ScriptedUpstream.start());
  const before = upstream.addImage('team/app', 'v1', []);
  const upstreams = [{ name: 'one.example', urls: [upstream.url], tagttl: '2s' }];
  const mirror = hold(await startFaultMirror({ directory: scratch.path, upstreams }));
  expect((await tag(mirror, 'one.example')).digest).toBe(before);
  const checked = performance.now();
  const after = upstream.addImage('team/app', 'v1', [Buffer.from('moved')]);
  for (let n = 0; n < 5; n++) expect((await tag(mirror, 'one.example')).digest).toBe(before);
  // Past here nothing could be said of what came before the time was over.
  expect(performance.now() - checked).toBeLessThan(2_000);
  expect(upstream.count(/^HEAD .*manifests/)).toBe(0);
  await delay(2_050 - (performance.now() - checked));
  const asked = await Promise.all(Array.from({ length: 10 }, () => tag(mirror, 'one.example')));
  for (const { digest } of asked) expect(digest).toBe(after);
  expect(upstream.count(/^HEAD .*manifests/)).toBe(1);
  expect(upstream.count(/^GET .*manifests/)).toBe(2);
});

/** A docker credential helper that notes how often it ran; `answer` is a shell command. */
function helper(scratch: Scratch, answer: string): { readonly command: string; readonly runs: () => number } {
  const command = scratch.at('docker-credential-test');
  const log = scratch.at('helper-runs');
  writeFileSync(log, '');
  writeFileSync(command, `#!/bin/sh\nread -r host\necho "$1 $host" >>'${log}'\n${answer}\n`);
  chmodSync(command, 0o755);
  return { command, runs: () => readFileSync(log, 'utf8').split('\n').filter(Boolean).length };
}

test.each(['basic', 'token'] as const)(
  'credentials come from a helper, for an upstream behind %s',
  async (auth) => {
    const scratch = hold(makeScratch());
    const upstream = hold(await ScriptedUpstream.start({ auth, user: USER }));
    const digest = upstream.addImage('team/app', 'v1', []);
    upstream.addImage('team/app', 'v2', []);
    const credentials = JSON.stringify({ ServerURL: 'x', Username: USER.name, Secret: USER.password });
    const { command, runs } = helper(scratch, `[ "$1" = get ] && echo '${credentials}'`);
    const upstreams = [{ name: 'one.example', urls: [upstream.url], exec: { command, lifetime: '1h' } }];
    const mirror = hold(await startFaultMirror({ directory: scratch.path, upstreams }));
    expect((await tag(mirror, 'one.example')).digest).toBe(digest);
    expect((await tag(mirror, 'one.example', 'v2')).status).toBe(200);
    expect(runs()).toBe(1);
    expect(readFileSync(scratch.at('helper-runs'), 'utf8')).toBe(`get ${upstream.host}\n`);
    await mirror.stop();
    expect(mirror.output()).not.toContain(USER.password);
  },
);

test('a helper of distribution’s proxy block is asked in the same way', async () => {
  const scratch = hold(makeScratch());
  const upstream = hold(await ScriptedUpstream.start({ auth: 'basic', user: USER }));
  const digest = upstream.addImage('team/app', 'v1', []);
  const credentials = JSON.stringify({ Username: USER.name, Secret: USER.password });
  const { command } = helper(scratch, `echo '${credentials}'`);
  const config = { proxy: { remoteurl: upstream.url, exec: { command } } };
  const mirror = hold(await startRegistry({ kind: 'fairlead', directory: scratch.path, config }));
  expect((await pull(mirror.url, '/v2/team/app/manifests/v1')).digest).toBe(digest);
});

test.each([
  ['fails', 'echo "the vault is shut" >&2; exit 1'],
  ['prints something else', 'echo a-secret'],
  ['gives wrong credentials', `echo '{"Username":"puller","Secret":"wrong"}'`],
])('a helper that %s makes a 502, and its words go no further', async (_, script) => {
  const scratch = hold(makeScratch());
  const upstream = hold(await ScriptedUpstream.start({ auth: 'basic', user: USER }));
  upstream.addImage('team/app', 'v1', []);
  const { command } = helper(scratch, script);
  const upstreams = [{ name: 'one.example', urls: [upstream.url], exec: { command } }];
  const mirror = hold(await startFaultMirror({ directory: scratch.path, upstreams }));
  const got = await tag(mirror, 'one.example');
  expect(got.status).toBe(502);
  await mirror.stop();
  for (const text of [got.text, mirror.output()]) expect(text).not.toMatch(/a-secret|vault|wrong"/);
});

test('check-config --probe has a line for every URL, no secret in any, and is 0 only when all is well', async () => {
  const scratch = hold(makeScratch());
  const good = hold(await ScriptedUpstream.start());
  const guarded = hold(await ScriptedUpstream.start({ auth: 'token', user: USER }));
  const silent = hold(await ScriptedUpstream.start());
  const broken = hold(await ScriptedUpstream.start());
  silent.on(/./, silence);
  broken.on(/./, answer(503));
  const shut = `127.0.0.1:${await freePort()}`;
  const account = { username: USER.name, password: USER.password };
  const probe = async (upstreams: readonly FaultUpstream[]) => {
    const file = scratch.at('config.yml');
    const mirror = { upstreams, timeouts: { connect: '1s', firstbyte: '1s' } };
    const storage = { filesystem: { rootdirectory: scratch.at('data') } };
    writeFileSync(file, JSON.stringify({ version: 0.1, storage, mirror }));
    const [command, ...before] = fairleadCommand();
    return await attempt(command, [...before, 'check-config', '--probe', file]);
  };
  const well = await probe([
    { name: 'good.example', urls: [good.url] },
    { name: 'guarded.example', urls: [guarded.url], ...account },
  ]);
  expect(well).toMatchObject({ code: 0 });
  expect(well.stdout).toBe(`good.example ${good.host} answers\nguarded.example ${guarded.host} answers\n`);
  const ill = await probe([
    { name: 'good.example', urls: [good.url, `http://${shut}`] },
    { name: 'guarded.example', urls: [guarded.url], ...account, password: 'other-secret' },
    { name: 'silent.example', urls: [silent.url] },
    { name: 'broken.example', urls: [broken.url] },
    { name: 'nameless.example', urls: ['http://registry.nowhere.invalid'] },
  ]);
  expect(ill.code).toBe(1);
  expect(ill.stdout.split('\n')).toEqual([
    `good.example ${good.host} answers`,
    `good.example ${shut} does not answer: refuses connections`,
    `guarded.example ${guarded.host} answers, but its token server refuses the credentials`,
    `silent.example ${silent.host} does not answer: no answer within 1000 ms`,
    expect.stringMatching(new RegExp(`^broken.example ${broken.host} .*answered 503`)),
    expect.stringMatching(
      /^nameless.example registry.nowhere.invalid:80 does not answer: its name cannot be/,
    ),
    '',
  ]);
  expect(well.output + ill.output).not.toMatch(/a-secret|other-secret/);
});
