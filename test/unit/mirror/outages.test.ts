import { expect, it } from 'vitest';
import { Outages } from '../../../src/mirror/outages.ts';
import { UpstreamFailed } from '../../../src/mirror/upstream/upstream-errors.ts';
import { collectLog } from '../../support/collected-log.ts';

const HUB = 'docker.io';
const REASON = 'registry-1.docker.io fails: answered 503';

function bench() {
  let now = 0;
  const log = collectLog();
  const outages = new Outages(log, () => now);
  return {
    outages,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    bridge: (upstream = HUB) =>
      outages.bridged(new UpstreamFailed('registry-1.docker.io', 'answered 503'), {
        upstream,
        repository: `${upstream}/team/app`,
        tag: 'v1',
      }),
    levels: () => log.lines.map(({ level }) => level),
    said: () => log.lines.filter(({ level }) => level !== 'debug'),
  };
}

it('warns once for an upstream that fails, in one line with the reason, and tells when it answers again', () => {
  const { outages, bridge, levels, said } = bench();
  outages.answered(HUB);
  for (let tag = 0; tag < 5; tag++) bridge();
  outages.answered(HUB);
  outages.answered(HUB);
  expect(said()).toEqual([
    {
      level: 'warn',
      fields: { upstream: HUB, reason: REASON },
      message: 'an upstream fails: its tags are served as they are stored',
    },
    { level: 'info', fields: { upstream: HUB }, message: 'an upstream answers again' },
  ]);
  expect(levels().filter((level) => level === 'debug')).toHaveLength(5);
});

it('keeps upstreams apart', () => {
  const { outages, bridge, said } = bench();
  bridge();
  bridge('quay.io');
  outages.answered('quay.io');
  expect(said().map(({ level, fields }) => [level, fields.upstream])).toEqual([
    ['warn', HUB],
    ['warn', 'quay.io'],
    ['info', 'quay.io'],
  ]);
});

it('warns once a minute of an upstream that comes and goes', () => {
  const { outages, bridge, pass, said } = bench();
  const comeAndGo = (): void => {
    bridge();
    outages.answered(HUB);
  };
  for (let time = 0; time < 10; time++) comeAndGo();
  pass(59_999);
  comeAndGo();
  expect(said().map(({ level }) => level)).toEqual(['warn', 'info']);
  pass(1);
  bridge();
  pass(60_000);
  bridge();
  expect(said().map(({ level }) => level)).toEqual(['warn', 'info', 'warn']);
});
