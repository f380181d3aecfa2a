import { describe, expect, it } from 'vitest';
import type { MirrorConfig } from '../../../src/config/types/mirror.ts';
import { parse, problemsOf, warningsOf } from '../../support/parse.ts';

function mirror(upstreams: string, more = ''): MirrorConfig {
  const { mirror } = parse(`mirror: { upstreams: ${upstreams}, ${more} }`).config;
  if (mirror === undefined) throw new Error('expected a mirror');
  return mirror;
}

const problems = (upstreams: string, more = ''): string[] =>
  problemsOf(`mirror: { upstreams: ${upstreams}, ${more} }`);

describe('mirror', () => {
  it('is off without upstreams', () => {
    expect(parse('').config.mirror).toBeUndefined();
    expect(parse('mirror: { upstreams: [] }').config.mirror).toBeUndefined();
  });

  it('knows what names alone stand for', () => {
    const all = '[docker.io, gcr.io, quay.io, ghcr.io, registry.k8s.io, mcr.microsoft.com, public.ecr.aws]';
    expect(mirror(all).upstreams.map(({ urls }) => urls[0])).toEqual([
      'https://registry-1.docker.io',
      'https://gcr.io',
      'https://quay.io',
      'https://ghcr.io',
      'https://registry.k8s.io',
      'https://mcr.microsoft.com',
      'https://public.ecr.aws',
    ]);
    expect(
      mirror(all)
        .upstreams.filter(({ dockerHub }) => dockerHub)
        .map(({ name }) => name),
    ).toEqual(['docker.io']);
    expect(mirror('[registry.k8s.io]').upstreams[0]?.aliases).toEqual(['k8s.gcr.io']);
  });

  it('has its defaults', () => {
    expect(mirror('[docker.io]')).toMatchObject({
      default: 'docker.io',
      timeouts: { connect: 5000, firstByte: 10_000, tagCheck: 5000, stall: 10_000, fill: 30_000 },
      evict: undefined,
    });
    expect(mirror('[docker.io]').upstreams[0]).toMatchObject({
      hosts: [],
      credentials: undefined,
      tagTtl: 600_000,
      ca: undefined,
      insecure: false,
      allow: ['**'],
    });
  });

  it('goes to docker.io with bare names where it is listed, else to the first', () => {
    expect(mirror('[gcr.io, docker.io]').default).toBe('docker.io');
    expect(mirror('[quay.io, gcr.io]').default).toBe('quay.io');
    expect(mirror('[docker.io, gcr.io]', 'default: gcr.io').default).toBe('gcr.io');
    expect(mirror('[docker.io, registry.k8s.io]', 'default: k8s.gcr.io').default).toBe('registry.k8s.io');
    expect(problems('[docker.io, quay.io]', 'default: qay.io')).toEqual([
      'mirror.default: qay.io is not one of mirror.upstreams; did you mean quay.io?',
    ]);
    expect(problems('[]', 'default: quay.io')).toHaveLength(1);
  });

  it('knows own upstreams, at several places', () => {
    const [upstream] = mirror(
      '[{ name: My.Example, urls: ["http://10.0.0.7:5000/copy/", "https://b"], hosts: ["A.example:5000"], aliases: [B.example] }]',
    ).upstreams;
    expect(upstream).toMatchObject({
      name: 'my.example',
      urls: ['http://10.0.0.7:5000/copy', 'https://b'],
      hosts: ['a.example'],
      aliases: ['b.example'],
    });
  });

  it('needs URLs for a name that is not well known', () => {
    expect(problems('[example.com]')).toEqual([
      'mirror.upstreams[0].urls: must be given, since example.com is not well known',
    ]);
    expect(problems('[docker.oi]')).toEqual([expect.stringContaining('did you mean docker.io?')]);
  });

  it.each(['ftp://a', 'a', 'https://me:hunter2@a', 'https://a?b'])('does not take the URL %s', (url) => {
    const [problem, ...more] = problems(`[{ name: a, urls: ["${url}"] }]`);
    expect(problem).toMatch(/^mirror.upstreams\[0\].urls\[0\]: must/);
    expect(problem).not.toContain('hunter2');
    expect(more).toEqual([]);
  });

  it.each(['"a:5000"', 'a/b', '-a'])('does not take the name %s', (name) => {
    expect(problems(`[{ name: ${name}, urls: ["https://a"] }]`)).toHaveLength(1);
  });

  it('warns of a URL that says /v2 itself', () => {
    expect(warningsOf('mirror: { upstreams: [{ name: a, urls: ["https://a/v2/"] }] }')).toEqual([
      expect.stringMatching(/^mirror.upstreams\[0\].urls\[0\]: has the path \/v2/),
    ]);
  });

  it.each([
    ['hosts: ["http://a.example/"]', 'hosts[0]: expected a host name, found "http://a.example/"'],
    ['hosts: ["*.example"]', 'hosts[0]: expected a host name, found "*.example"'],
    ['aliases: [a/b]', 'aliases[0]: expected another name of docker.io, found "a/b"'],
  ])('refuses what leads nowhere: %s', (more, problem) => {
    expect(problems(`[{ name: docker.io, ${more} }]`)).toEqual([`mirror.upstreams[0].${problem}`]);
  });

  it.each([
    'hosts: ["a.b."] }, { name: quay.io, hosts: ["A.b:80"]',
    'aliases: ["a.b:443"] }, { name: quay.io, aliases: [a.b]',
  ])('sees through spellings of one host: %s', (more) => {
    expect(problems(`[{ name: docker.io, ${more} }]`)).toEqual([
      expect.stringContaining('a.b leads to mirror.upstreams[0] already'),
    ]);
  });

  it('has names, aliases and hosts that lead to one upstream each', () => {
    expect(problems('[docker.io, docker.io]')).toHaveLength(1);
    expect(
      problems(
        '[{ name: a, urls: ["https://a"], hosts: [x] }, { name: b, urls: ["https://b"], hosts: [X] }]',
      ),
    ).toEqual(['mirror.upstreams[1].hosts: the host x leads to mirror.upstreams[0] already']);
    expect(
      problems('[{ name: a, urls: ["https://a"], aliases: [b] }, { name: b, urls: ["https://b"] }]'),
    ).toEqual(['mirror.upstreams[1].name: the name b leads to mirror.upstreams[0] already']);
  });

  it('may be told again what is well known', () => {
    expect(mirror('[{ name: registry.k8s.io, aliases: [k8s.gcr.io] }]').upstreams[0]?.aliases).toEqual([
      'k8s.gcr.io',
    ]);
  });

  it('believes the file before what is well known', () => {
    const { upstreams } = mirror('[registry.k8s.io, { name: gcr.io, aliases: [k8s.gcr.io] }]');
    expect(upstreams.map(({ aliases }) => aliases)).toEqual([[], ['k8s.gcr.io']]);
    const named = mirror('[registry.k8s.io, { name: k8s.gcr.io, urls: ["https://k8s.gcr.io"] }]').upstreams;
    expect(named.map(({ aliases }) => aliases)).toEqual([[], []]);
  });

  it('logs in by password, file or helper', () => {
    const credentials = (more: string) => mirror(`[{ name: docker.io, ${more} }]`).upstreams[0]?.credentials;
    expect(credentials('username: a, passwordfile: /b')).toEqual({
      kind: 'passwordfile',
      username: 'a',
      path: '/b',
    });
    expect(credentials('exec: { command: c, lifetime: 1h }')).toEqual({
      kind: 'helper',
      command: 'c',
      lifetime: 3_600_000,
    });
    expect(credentials('exec: { command: c }')).toMatchObject({ lifetime: undefined });
    expect(credentials('username: a, password: b')).toMatchObject({ kind: 'password', username: 'a' });
    expect(problems('[{ name: docker.io, username: a }]')).toHaveLength(1);
    expect(problems('[{ name: docker.io, password: a }]')).toHaveLength(1);
    expect(problems('[{ name: docker.io, username: u, password: a, passwordfile: /b }]')).toHaveLength(1);
  });

  it('refuses to promise an eviction that does not happen', () => {
    expect(problems('[docker.io]', 'evict: { unusedfor: 168h }')).toEqual([
      expect.stringMatching(/^mirror.evict: nothing is evicted yet/),
    ]);
    expect(problems('[docker.io]', 'evict:')).toEqual([]);
  });
});

describe('proxy', () => {
  it('is off without a URL', () => {
    expect(parse('proxy:').config.proxy).toBeUndefined();
    expect(parse('proxy: { remoteurl: "" }').config.proxy).toBeUndefined();
    expect(warningsOf('proxy: { username: a, password: b }')).toHaveLength(1);
  });

  it('has the defaults of distribution', () => {
    expect(parse('proxy: { remoteurl: "https://registry-1.docker.io" }').config.proxy).toEqual({
      remoteUrl: 'https://registry-1.docker.io',
      credentials: undefined,
      ttl: 604_800_000,
      cacheWriteTimeout: 300_000,
      timeouts: { connect: 5_000, firstByte: 10_000, tagCheck: 5_000, stall: 10_000, fill: 30_000 },
      spool: { directory: '/tmp', maxSize: 10 * 1024 ** 3 },
    });
    expect(parse('proxy: { remoteurl: "https://a", ttl: 0 }').config.proxy?.ttl).toBe(0);
  });

  it('promises no end to what it keeps', () => {
    const warnings = (more: string) => warningsOf(`proxy: { remoteurl: "https://a", ${more} }`);
    expect(warnings('ttl: 24h')).toEqual([expect.stringMatching(/^proxy.ttl: has no effect yet/)]);
    expect(warnings('ttl: 0s, cachewritetimeout: 5m')).toEqual([]);
  });

  it('takes what mirror says of times and room', () => {
    const more = 'mirror: { timeouts: { connect: 1s, fill: 9s }, spool: { directory: /a, maxsize: 1MiB } }';
    const { config } = parse(`proxy: { remoteurl: "https://a" }\n${more}`);
    expect(config.mirror).toBeUndefined();
    expect(config.proxy).toMatchObject({
      timeouts: { connect: 1000, firstByte: 10_000, fill: 9000 },
      spool: { directory: '/a', maxSize: 1024 ** 2 },
    });
  });

  it('cannot stand beside a mirror', () => {
    expect(problemsOf('proxy: { remoteurl: "https://a" }\nmirror: { upstreams: [docker.io] }')).toEqual([
      expect.stringMatching(/^proxy: makes the whole server one mirror/),
    ]);
  });
});
