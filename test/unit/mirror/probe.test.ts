import { afterEach, expect, it } from 'vitest';
import { probeUpstream } from '../../../src/mirror/probe.ts';
import { fixedCredentials } from '../../../src/mirror/upstream/credentials.ts';
import { answer, redirect, send } from '../../support/upstream/faults.ts';
import type { Fault, ScriptedUpstreamOptions } from '../../support/upstream/scripted-upstream.ts';
import { ScriptedUpstream } from '../../support/upstream/scripted-upstream.ts';

const open: ScriptedUpstream[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
});

it('tells of each URL whether it answers, refuses the credentials, or why it does not answer', async () => {
  const user = { name: 'me', password: 'secret' };
  for (const auth of ['none', 'basic', 'token', 'none'] as const) {
    open.push(await ScriptedUpstream.start(auth === 'none' ? {} : { auth, user }));
  }
  await open[3]?.stop();
  const urls = open.map(({ url }) => url);
  const told = async (password: string) =>
    (
      await probeUpstream({
        name: 'up',
        urls,
        credentials: fixedCredentials({ username: 'me', password }),
      })
    ).map(({ ok, told }) => `${ok} ${told}`);
  expect(await told('secret')).toEqual([
    'true answers',
    'true answers',
    'true answers',
    'false does not answer: refuses connections',
  ]);
  const wrong = await told('wrong');
  expect(wrong.slice(1, 3)).toEqual([
    'false answers, but refuses the credentials',
    'false answers, but its token server refuses the credentials',
  ]);
  const [first] = await probeUpstream({ name: 'up', urls });
  expect(first).toMatchObject({ upstream: 'up', where: new URL(urls[0] ?? '').host, ok: true });
});

async function toldOf(fault: Fault | undefined, options: ScriptedUpstreamOptions = {}): Promise<string> {
  await using upstream = await ScriptedUpstream.start(options);
  if (fault !== undefined) upstream.on(/ \/v2\/$/, fault);
  const [found] = await probeUpstream({ name: 'up', urls: [upstream.url] });
  return `${found?.ok} ${found?.told}`;
}

const user = { name: 'me', password: 'secret' };

it.each<[string, ScriptedUpstreamOptions, string]>([
  ['Basic', { auth: 'basic', user }, 'false answers, but asks for credentials, and none are configured'],
  ['tokens for anybody', { auth: 'token' }, 'true answers'],
  [
    // quay.io, ghcr.io
    'no anonymous token for /v2/ itself',
    { auth: 'token', user },
    'true answers; whether it lets anybody pull is told for single repositories only',
  ],
])('tells without credentials of %s', async (_, options, told) => {
  expect(await toldOf(undefined, options)).toBe(told);
});

const version = { 'docker-distribution-api-version': 'registry/2.0' };
const html = { 'content-type': 'text/html' };

it.each<[string, Fault]>([
  ['distribution', send(200, '{}', { ...version, 'content-type': 'application/json' })],
  ['registry.k8s.io, which says nothing', send(200, '')],
  ['one that says nothing and calls it HTML', send(200, '', html)],
  ['JSON by another type', send(200, '{}', { 'content-type': 'text/plain' })],
  ['the header alone', send(200, 'ok', version)],
])('takes for a registry %s', async (_, fault) => {
  expect(await toldOf(fault)).toBe('true answers');
});

it.each<[string, Fault, string]>([
  ['a page', send(200, '<html>Log in</html>', html), 'not as a registry'],
  ['a long page', send(200, 'x'.repeat(70_000), html), 'not as a registry'],
  ['nothing there', answer(404), 'not as a registry: it answered 404'],
  ['http where https is spoken', answer(400), 'not as a registry: it answered 400'],
  ['a refusal', answer(403), 'refuses to be asked: it answered 403'],
  ['a failure', answer(503), 'fails: it answered 503'],
  ['a limit', answer(429), 'limits requests now'],
  ['a limit with a time', answer(429, { 'retry-after': '30' }), 'limits requests now, for 30 s'],
  ['no way to log in', answer(401), 'asks for credentials, and none are configured'],
  ['a circle', redirect(() => '/v2/'), 'redirects in a circle, or too often'],
])('tells of %s', async (_, fault, told) => {
  expect(await toldOf(fault)).toBe(`false answers, but ${told}`);
});

it('tells whose fault a token server is that cannot be asked', async () => {
  await using upstream = await ScriptedUpstream.start({ auth: 'token' });
  const options = { name: 'up', urls: [upstream.url] };
  const told = async () => (await probeUpstream(options))[0]?.told;
  upstream.on(/token/, answer(500), 1);
  expect(await told()).toBe('answers, but its token server answered 500');
  upstream.on(/token/, answer(429, { 'retry-after': '9' }), 1);
  expect(await told()).toBe('answers, but its token server limits requests now, for 9 s');
  upstream.on(/v2/, send(401, '', { 'www-authenticate': 'Bearer realm="http://127.0.0.1:1/token"' }));
  expect(await told()).toBe('answers, but its token server 127.0.0.1:1 cannot be asked: refuses connections');
});

it('is not well where credentials are configured that go nowhere', async () => {
  await using tokens = await ScriptedUpstream.start({ auth: 'token' });
  await using upstream = await ScriptedUpstream.start();
  upstream.on(/v2/, send(401, '', { 'www-authenticate': `Bearer realm="${tokens.url}/token"` }));
  const credentials = fixedCredentials({ username: 'me', password: 'secret' });
  const [found] = await probeUpstream({ name: 'up', urls: [upstream.url], credentials });
  expect(found).toMatchObject({
    ok: false,
    told: 'answers, but its token server is at a host that is not given the credentials',
  });
});
