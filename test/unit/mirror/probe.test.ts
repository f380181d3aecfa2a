import { afterEach, expect, it } from 'vitest';
import { probeUpstream } from '../../../src/mirror/probe.ts';
import { fixedCredentials } from '../../../src/mirror/upstream/credentials.ts';
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
